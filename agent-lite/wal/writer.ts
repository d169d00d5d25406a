import { ByteWriter } from '../../contract/binary.ts';
import { type Cells, createCells } from '../../contract/cells.ts';
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

interface TargetState {
  readonly position: Position;
  base: (BaseCells & { readonly table: TableHash | undefined }) | undefined;
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
  readonly #boots = new Map<string, Position>();
  readonly #tables = new Map<TableHash, Position>();
  /** By hash. */
  readonly #metadata = new Map<string, Position>();
  readonly #targets = new Map<string, TargetState>();
  /** Targets, boots and tables that have been written a second time. */
  readonly #copied = new Set<Position>();
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
    const support = async (known: Position | undefined, make: () => Uint8Array | Promise<Uint8Array>): Promise<Position> => {
      if (known !== undefined) return known;
      put(await make());
      return position;
    };

    const { table } = scrape;
    const key = labelsKey(scrape.target);
    const state = this.#targets.get(key);
    const bootAt = await support(this.#boots.get(scrape.bootId), () => encodeBootRecord(scrape.bootId));
    const targetAt = await support(state?.position, () => encodeTargetRecord(scrape.target));
    const tableAt =
      table === undefined ? undefined : await support(this.#tables.get(table.hash), () => encodeTableRecord(table, this.#compression));
    const metadataAt =
      metadata && (await support(this.#metadata.get(metadata.hash), () => encodeMetadataRecord(metadata, this.#compression)));
    const base = usableBase(state, scrape);
    // What goes on being named is written once more: should it be damaged, its copy stands in for it (recover.ts).
    const copies: Position[] = [];
    const copy = async (at: Position | undefined, make: () => Uint8Array | Promise<Uint8Array>): Promise<void> => {
      if (at === undefined || at > segment.last || this.#copied.has(at)) return;
      put(await make());
      copies.push(at);
    };
    if (base === undefined) {
      await copy(bootAt, () => encodeBootRecord(scrape.bootId));
      await copy(targetAt, () => encodeTargetRecord(scrape.target));
      if (table !== undefined) await copy(tableAt, () => encodeTableRecord(table, this.#compression));
    }
    const head: ScrapeHead = { targetAt, bootAt, tableAt, metadataAt, wallMs: scrape.wallMs, bootMs: scrape.bootMs, base };
    const exemplars = writableExemplars(scrape.exemplars, scrape.cells?.rows ?? 0);
    const body = await encodeScrapeRecord(position + 1, head, scrape.cells, scrape.report, exemplars, base, this.#compression);
    const crc = put(body);

    const bytes = writer.bytes();
    const to = { position, chain };
    const commit = (): void => {
      this.#boots.set(scrape.bootId, bootAt);
      for (const at of copies) this.#copied.add(at);
      if (table !== undefined && tableAt !== undefined) this.#tables.set(table.hash, tableAt);
      if (metadata !== undefined && metadataAt !== undefined) this.#metadata.set(metadata.hash, metadataAt);
      this.#targets.set(key, {
        position: targetAt,
        base: {
          position: to.position,
          crc,
          table: table?.hash,
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
