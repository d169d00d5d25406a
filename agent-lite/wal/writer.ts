import { ByteWriter } from '../../contract/binary.ts';
import { type Cells, createCells } from '../../contract/cells.ts';
import { ColumnsEncoder } from '../../contract/encode-columns.ts';
import type { Exemplar } from '../../contract/exemplar.ts';
import type { Point, Position } from '../../contract/push.ts';
import type { SeriesTable, TableHash } from '../../contract/series-table.ts';
import type { Scrape } from '../model.ts';
import { type MetadataSet, writableExemplars } from './attachments.ts';
import { writeFrame } from './frame.ts';
import {
  type BaseCells,
  type Compression,
  encodeBootRecord,
  encodeExemplarsOfScrape,
  encodeMetadataRecord,
  encodeTableRecord,
  encodeTargetRecord,
  type ScrapeHead,
  writeScrapeRecord,
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
  /** The writer's own memory, until the next plan. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The last record: the scrape. */
  readonly to: Point;
  /** Beyond the limits. */
  readonly droppedExemplars: number;
  commit(): void;
}

/** Where the table and the metadata of a scrape were written last. */
interface Wrote {
  readonly table: Support | undefined;
  readonly metadata: Support | undefined;
  /** Of the metadata. */
  readonly hash: string | undefined;
}

/** Bodies of records to be written along, and the end of the scrape's. */
interface Compressed {
  readonly table?: Uint8Array | undefined;
  readonly metadata?: Uint8Array | undefined;
  readonly exemplars?: Uint8Array | undefined;
}

/** Turns scrapes into the records of one segment. What it remembers ends with the segment, so each segment can be read alone. */
export class SegmentWriter {
  readonly #segment: Segment;
  readonly #before: Point;
  readonly #compression: Compression | undefined;
  readonly #columns = new ColumnsEncoder();
  /** Of one plan, and of the record in the making; their memory is used again. */
  readonly #records = new ByteWriter(1024);
  readonly #body = new ByteWriter(1024);
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

  /**
   * @param key of the scrape's target, as `labelsKey` makes it
   * @param metadata of the scrape's target, whether this scrape brought them or not
   */
  plan(key: string, scrape: Scrape, metadata: MetadataSet | undefined): Plan | Promise<Plan> {
    const segment = this.#segment;
    const { table } = scrape;
    const state = this.#targets.get(key);
    const base = usableBase(state, scrape);
    const exemplars = writableExemplars(scrape.exemplars, scrape.cells?.rows ?? 0);
    const hash = metadata?.hash;
    const wrote: Wrote = {
      table: table && this.#tables.get(table.hash),
      metadata: hash === undefined ? undefined : this.#metadata.get(hash),
      hash,
    };
    const isNew = base === undefined && (wrote.table === undefined || isDue(wrote.table, segment.bytes));
    const newTable = isNew ? table : undefined;
    const newMetadata = wrote.metadata === undefined ? metadata : undefined;
    const finish = (compressed: Compressed): Plan => this.#plan(key, scrape, state, base, wrote, exemplars.length, compressed);
    // Nearly always nothing has to be compressed.
    return newTable === undefined && newMetadata === undefined && exemplars.length === 0
      ? finish({})
      : this.#compress(newTable, newMetadata, exemplars, scrape.wallMs).then(finish);
  }

  async #compress(
    table: SeriesTable | undefined,
    metadata: MetadataSet | undefined,
    exemplars: readonly Exemplar[],
    wallMs: number,
  ): Promise<Compressed> {
    const compression = this.#compression;
    return {
      table: table && (await encodeTableRecord(table, compression)),
      metadata: metadata && (await encodeMetadataRecord(metadata, compression)),
      exemplars: exemplars.length === 0 ? undefined : await encodeExemplarsOfScrape(exemplars, Math.round(wallMs), compression),
    };
  }

  #plan(
    key: string,
    scrape: Scrape,
    state: TargetState | undefined,
    base: TargetState['base'],
    wrote: Wrote,
    exemplars: number,
    compressed: Compressed,
  ): Plan {
    const segment = this.#segment;
    const wallMs = Math.round(scrape.wallMs);
    const bootMs = Math.round(scrape.bootMs);
    const writer = this.#records;
    writer.clear();
    let position = segment.last;
    let chain = segment.chain ?? this.#before.chain;
    /** Bytes of each record. */
    const written: number[] = [];
    const put = (body: Uint8Array): number => {
      const offset = writer.length;
      position++;
      const frame = writeFrame(writer, position, chain, body, segment.seed);
      chain = frame.chain;
      written.push(writer.length - offset);
      return frame.crc;
    };
    const putSupport = (before: Support | undefined, body: Uint8Array): Support => {
      const offset = segment.bytes + writer.length;
      put(body);
      return { position, offset, bytes: segment.bytes + writer.length - offset, times: (before?.times ?? 0) + 1 };
    };
    /** A key frame may name a new copy, so that no damage takes more along than lies between two of them. */
    const support = (before: Support | undefined, make: () => Uint8Array): Support =>
      before === undefined || (isKey && isDue(before, segment.bytes)) ? putSupport(before, make()) : before;

    const { table, bootId, cells, report } = scrape;
    const isKey = base === undefined;
    const boot = support(this.#boots.get(bootId), () => encodeBootRecord(bootId));
    const target = support(state?.target, () => encodeTargetRecord(scrape.target));
    const tableSupport = compressed.table ? putSupport(wrote.table, compressed.table) : wrote.table;
    // A delta names the table that its base names, though another target may have had it written again since.
    const tableAt = isKey ? tableSupport?.position : base.tableAt;
    const described = compressed.metadata ? putSupport(undefined, compressed.metadata) : wrote.metadata;
    const body = this.#body;
    body.clear();
    const head: ScrapeHead = {
      targetAt: target.position,
      bootAt: boot.position,
      tableAt,
      metadataAt: described?.position,
      wallMs,
      bootMs,
      base,
    };
    writeScrapeRecord(body, position + 1, head, cells, report, compressed.exemplars, base, this.#columns);
    const bodyBytes = body.length;
    const crc = put(body.view());

    const commit = (): void => {
      this.#boots.set(bootId, boot);
      if (table !== undefined && tableSupport !== undefined) this.#tables.set(table.hash, tableSupport);
      if (wrote.hash !== undefined && described !== undefined) this.#metadata.set(wrote.hash, described);
      this.#targets.set(key, {
        target,
        base: {
          position,
          crc,
          table: table?.hash,
          tableAt,
          // Copies: the caller may use its buffers again, and a base that changed would make values wrong.
          cells: cells === undefined ? undefined : copyCells(cells, state?.base?.cells),
          report: copyCells(report, state?.base?.report),
        },
        deltas: isKey ? 0 : (state?.deltas ?? 0) + 1,
        deltaBytes: isKey ? 0 : (state?.deltaBytes ?? 0) + bodyBytes,
        seenMs: bootMs,
      });
      segment.chain = chain;
      for (const bytes of written) {
        segment.last++;
        segment.index?.add(segment.last, segment.bytes, bytes, wallMs);
        segment.bytes += bytes;
      }
      countScrape(segment, wallMs, bootMs, bootId);
      if (++this.#sinceSweep >= SWEEP_EVERY) this.#sweep(bootMs);
    };
    return { bytes: writer.view(), to: { position, chain }, droppedExemplars: scrape.exemplars.length - exemplars, commit };
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
