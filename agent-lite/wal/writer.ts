import { ByteWriter } from '../../contract/binary.ts';
import { type Cells, createCells } from '../../contract/cells.ts';
import { ColumnsEncoder } from '../../contract/encode-columns.ts';
import { labelsKey } from '../../contract/labels.ts';
import type { Point, Position } from '../../contract/push.ts';
import type { TableHash } from '../../contract/series-table.ts';
import type { Scrape } from '../model.ts';
import { type MetadataSet, writableExemplars } from './attachments.ts';
import { writeFrame } from './frame.ts';
import {
  type BaseCells,
  type Compression,
  encodeBootRecord,
  encodeMetadataRecord,
  encodeScrapeRecord,
  encodeTableRecord,
  encodeTargetRecord,
  type ScrapeHead,
} from './record.ts';
import { countScrape, type Segment } from './segment.ts';

/** A target's scrapes between two key frames: at most this many records, the key frame among them, … */
const KEY_FRAME_RECORDS = 16;
/** … and about this many bytes of deltas. Both bound what one damaged record takes with it. */
const KEY_FRAME_BYTES = 64 * 1024;
/** A target that was not scraped for so long (boot clock) starts with a key frame; its cells are let go. */
const FORGET_AFTER_MS = 3_600_000;
const SWEEP_EVERY = 1024;

/** Bytes of a segment after which what key frames go on naming is written again, … */
const REFRESH_BYTES = 64 * 1024;
/** … but not before so many times its own size, so that it stays a small part of the log. */
const REFRESH_SHARE = 32;

/** A record that scrapes name, where it was written last. */
interface Support {
  readonly position: Position;
  /** In the segment. */
  readonly offset: number;
  readonly bytes: number;
  /** How often it has been written. */
  readonly times: number;
}

interface TargetState {
  readonly target: Support;
  base: (BaseCells & { readonly table: TableHash | undefined; readonly tableAt: Position | undefined }) | undefined;
  deltas: number;
  deltaBytes: number;
  seenMs: number;
}

/** Records ready to be written. Nothing of the writer has changed until `commit` is called. */
export interface Plan {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The last record: the scrape. */
  readonly to: Point;
  /** Beyond the limits. */
  readonly droppedExemplars: number;
  commit(): void;
}

/** Turns scrapes into the records of one segment. What it remembers ends with the segment, so each segment can be read alone. */
export class SegmentWriter {
  readonly #segment: Segment;
  readonly #before: Point;
  readonly #compression: Compression | undefined;
  readonly #columns = new ColumnsEncoder();
  readonly #boots = new Map<string, Support>();
  readonly #tables = new Map<TableHash, Support>();
  /** By hash. */
  readonly #metadata = new Map<string, Support>();
  readonly #targets = new Map<string, TargetState>();
  #sinceSweep = 0;

  /** `before`: the point the segment goes on from. */
  constructor(segment: Segment, before: Point, compression: Compression | undefined) {
    this.#segment = segment;
    this.#before = before;
    this.#compression = compression;
  }

  /** @param metadata of the scrape's target, whether this scrape brought them or not */
  async plan(given: Scrape, metadata: MetadataSet | undefined): Promise<Plan> {
    const segment = this.#segment;
    const scrape = { ...given, wallMs: Math.round(given.wallMs), bootMs: Math.round(given.bootMs) };
    const writer = new ByteWriter(1024);
    let position = segment.last;
    let chain = segment.chain ?? this.#before.chain;
    const written: { position: Position; offset: number; bytes: number }[] = [];
    const put = (body: Uint8Array): number => {
      const offset = writer.length;
      position++;
      const frame = writeFrame(writer, position, chain, body, segment.seed);
      chain = frame.chain;
      written.push({ position, offset: segment.bytes + offset, bytes: writer.length - offset });
      return frame.crc;
    };
    /** `again`: a key frame may name a new copy, so that no damage takes more along than lies between two of them. */
    const support = async (known: Support | undefined, again: boolean, make: () => Uint8Array | Promise<Uint8Array>): Promise<Support> => {
      if (known !== undefined && !(again && isDue(known, segment.bytes))) return known;
      const offset = segment.bytes + writer.length;
      put(await make());
      return { position, offset, bytes: segment.bytes + writer.length - offset, times: (known?.times ?? 0) + 1 };
    };

    const { table } = scrape;
    const key = labelsKey(scrape.target);
    const state = this.#targets.get(key);
    const base = usableBase(state, scrape);
    const isKey = base === undefined;
    const boot = await support(this.#boots.get(scrape.bootId), isKey, () => encodeBootRecord(scrape.bootId));
    const target = await support(state?.target, isKey, () => encodeTargetRecord(scrape.target));
    const tableSupport =
      table === undefined || !isKey
        ? undefined
        : await support(this.#tables.get(table.hash), true, () => encodeTableRecord(table, this.#compression));
    // A delta names the table that its base names, though another target may have had it written again since.
    const tableAt = isKey ? tableSupport?.position : base.tableAt;
    const described =
      metadata && (await support(this.#metadata.get(metadata.hash), false, () => encodeMetadataRecord(metadata, this.#compression)));
    const head: ScrapeHead = {
      ...{ targetAt: target.position, bootAt: boot.position, tableAt, metadataAt: described?.position },
      ...{ wallMs: scrape.wallMs, bootMs: scrape.bootMs, base },
    };
    const exemplars = writableExemplars(scrape.exemplars, scrape.cells?.rows ?? 0);
    const body = await encodeScrapeRecord(
      position + 1,
      head,
      scrape.cells,
      scrape.report,
      exemplars,
      base,
      this.#compression,
      this.#columns,
    );
    const crc = put(body);

    const bytes = writer.bytes();
    const to = { position, chain };
    const commit = (): void => {
      this.#boots.set(scrape.bootId, boot);
      if (table !== undefined && tableSupport !== undefined) this.#tables.set(table.hash, tableSupport);
      if (metadata !== undefined && described !== undefined) this.#metadata.set(metadata.hash, described);
      this.#targets.set(key, {
        target,
        base: {
          position: to.position,
          crc,
          table: table?.hash,
          tableAt,
          // Copies: the caller may use its buffers again, and a base that changed would make values wrong.
          cells: scrape.cells === undefined ? undefined : copyCells(scrape.cells, state?.base?.cells),
          report: copyCells(scrape.report, state?.base?.report),
        },
        deltas: base === undefined ? 0 : (state?.deltas ?? 0) + 1,
        deltaBytes: base === undefined ? 0 : (state?.deltaBytes ?? 0) + body.length,
        seenMs: scrape.bootMs,
      });
      segment.last = to.position;
      segment.chain = to.chain;
      segment.bytes += bytes.length;
      countScrape(segment, scrape.wallMs, scrape.bootMs, scrape.bootId);
      for (const frame of written) segment.index?.add(frame.position, frame.offset, frame.bytes, scrape.wallMs);
      if (++this.#sinceSweep >= SWEEP_EVERY) this.#sweep(scrape.bootMs);
    };
    return { bytes, to, droppedExemplars: scrape.exemplars.length - exemplars.length, commit };
  }

  #sweep(nowMs: number): void {
    this.#sinceSweep = 0;
    for (const state of this.#targets.values()) if (nowMs - state.seenMs > FORGET_AFTER_MS) state.base = undefined;
  }
}

/** At its second use by a key frame, and then from time to time. */
const isDue = ({ times, offset, bytes }: Support, end: number): boolean =>
  times === 1 || end - offset > Math.max(REFRESH_BYTES, REFRESH_SHARE * bytes);

function usableBase(state: TargetState | undefined, scrape: Scrape): TargetState['base'] {
  const base = state?.base;
  if (state === undefined || base === undefined || base.table !== scrape.table?.hash) return undefined;
  if (base.cells?.rows !== scrape.cells?.rows) return undefined;
  return state.deltas + 1 < KEY_FRAME_RECORDS && state.deltaBytes < KEY_FRAME_BYTES ? base : undefined;
}

/** States and bits; a predecessor's own times are never looked at. `into` is written over where it fits. */
function copyCells(cells: Cells, into: Cells | undefined): Cells {
  const copy = into !== undefined && into.rows === cells.rows ? into : createCells(cells.rows, cells.scrapes);
  copy.states.set(cells.states);
  copy.words.set(cells.words);
  return copy;
}
