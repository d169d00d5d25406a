import { FormatError } from '../../contract/binary.ts';
import { rowCount } from '../../contract/compact-table.ts';
import { ColumnsDecoder } from '../../contract/decode-columns.ts';
import type { Exemplar } from '../../contract/exemplar.ts';
import type { Labels } from '../../contract/labels.ts';
import type { Position } from '../../contract/push.ts';
import type { SeriesTable, Sha256, TableHash } from '../../contract/series-table.ts';
import type { LoggedScrape } from '../model.ts';
import { type MetadataCache, type MetadataSet, trim } from './attachments.ts';
import { BOOT, TABLE, TARGET } from './format.ts';
import type { Frame } from './frame.ts';
import {
  type BaseCells,
  type Compression,
  decodeBootRecord,
  decodeMetadataRecord,
  decodeScrapeCells,
  decodeScrapeHead,
  decodeTableRecord,
  decodeTargetRecord,
  metadataHashOf,
  tableHashOf,
} from './record.ts';
import type { Segment } from './segment.ts';

/** Deltas in a row at most; more is not what the writer wrote. */
const MAX_DELTAS = 64;
/** Targets whose last cells are kept for the delta that follows. Others cost a few reads more. */
const MAX_BASES = 1024;
const MAX_SUPPORTS = 4096;
/** A table may be large. */
const MAX_RECOVERED = 64;

/** Records of a segment by their position; undefined where they are damaged. */
export interface RecordSource {
  find(segment: Segment, position: Position): Promise<Frame | undefined>;
  /** The body of a damaged record of this type, from a copy (recover.ts). */
  recover(segment: Segment, position: Position, type: number): Promise<Uint8Array | undefined>;
}

interface Base extends BaseCells {
  readonly targetAt: Position;
  readonly tableAt: Position | undefined;
}
interface SegmentCache {
  readonly targets: Map<Position, Labels>;
  readonly boots: Map<Position, string>;
  readonly tables: Map<Position, TableHash>;
  /** `damaged`: its record is not readable. */
  readonly metadata: Map<Position, string | 'damaged'>;
  /** By the target's record: its scrape that was decoded last. */
  readonly bases: Map<Position, Base>;
  /** Of damaged records what could be recovered, and how far the segment went when it was tried. */
  readonly recovered: Map<Position, { readonly body: Uint8Array | undefined; readonly last: Position }>;
}

export interface DecoderCaches {
  readonly tables: TableCache;
  readonly metadata: MetadataCache;
}

/**
 * Turns scrape records back into scrapes. Throws {@link FormatError} where that cannot be done with certainty: every record
 * that a scrape names must be there, of the right kind, and a delta's base must have the very checksum that it names.
 */
export class ScrapeDecoder {
  readonly #records: RecordSource;
  readonly #sha256: Sha256;
  readonly #compression: Compression | undefined;
  readonly #tables: TableCache;
  readonly #metadata: MetadataCache;
  readonly #columns = new ColumnsDecoder();
  readonly #caches = new WeakMap<Segment, SegmentCache>();

  constructor(records: RecordSource, sha256: Sha256, compression: Compression | undefined, caches: DecoderCaches) {
    this.#records = records;
    this.#sha256 = sha256;
    this.#compression = compression;
    this.#tables = caches.tables;
    this.#metadata = caches.metadata;
  }

  async decode(segment: Segment, frame: Frame): Promise<LoggedScrape> {
    const cache = this.#cache(segment);
    const { head } = decodeScrapeHead(frame.position, frame.body);
    const target = await this.#support(segment, head.targetAt, TARGET, cache.targets, decodeTargetRecord);
    const bootId = await this.#support(segment, head.bootAt, BOOT, cache.boots, decodeBootRecord);
    const { base, table, exemplars } = await this.#cells(segment, frame, 0);
    cache.bases.delete(head.targetAt);
    cache.bases.set(head.targetAt, base);
    trim(cache.bases, MAX_BASES);
    const { position, chain } = frame;
    const metadata = head.metadataAt === undefined ? undefined : await this.#families(segment, head.metadataAt);
    const { cells, report } = base;
    return {
      target,
      table,
      wallMs: head.wallMs,
      bootMs: head.bootMs,
      bootId,
      cells,
      report,
      exemplars,
      metadata: metadata?.families,
      position,
      chain,
    };
  }

  /** Lets go what is remembered of a segment. */
  forget(segment: Segment): void {
    this.#caches.delete(segment);
  }

  async #cells(
    segment: Segment,
    frame: Frame,
    depth: number,
  ): Promise<{ base: Base; table: SeriesTable | undefined; exemplars: readonly Exemplar[] }> {
    if (depth > MAX_DELTAS) throw new FormatError(`scrape record: expected a key frame within ${MAX_DELTAS} records`);
    const { head, reader } = decodeScrapeHead(frame.position, frame.body);
    const { targetAt, tableAt } = head;
    const previous = head.base === undefined ? undefined : await this.#base(segment, head.base, targetAt, depth);
    if (previous !== undefined && (previous.targetAt !== targetAt || previous.tableAt !== tableAt))
      throw new FormatError('scrape record: its base belongs to another target or table');
    const table = tableAt === undefined ? undefined : await this.#table(segment, tableAt);
    const rows = table && rowCount(table);
    const { cells, report, exemplars } = await decodeScrapeCells(head, reader, rows, previous, this.#compression, this.#columns);
    return { base: { position: frame.position, crc: frame.crc, cells, report, targetAt, tableAt }, table, exemplars };
  }

  async #base(segment: Segment, named: { position: Position; crc: number }, targetAt: Position, depth: number): Promise<Base> {
    const cached = this.#cache(segment).bases.get(targetAt);
    if (cached?.position === named.position && cached.crc === named.crc) return cached;
    const frame = await this.#records.find(segment, named.position);
    if (frame === undefined || frame.crc !== named.crc)
      throw new FormatError(`scrape record: its base, record ${named.position}, is damaged or another`);
    return (await this.#cells(segment, frame, depth + 1)).base;
  }

  async #table(segment: Segment, position: Position): Promise<SeriesTable> {
    const { tables } = this.#cache(segment);
    const known = this.#tables.get(tables.get(position));
    if (known !== undefined) return known;
    const body = await this.#body(segment, position, TABLE);
    const table = this.#tables.get(tableHashOf(body)) ?? (await decodeTableRecord(body, this.#sha256, this.#compression));
    tables.set(position, table.hash);
    trim(tables, MAX_SUPPORTS);
    this.#tables.add(table);
    return table;
  }

  /** Undefined where their record is damaged, which whoever scans counts: samples are worth more than their description. */
  async #families(segment: Segment, position: Position): Promise<MetadataSet | undefined> {
    const { metadata } = this.#cache(segment);
    const hash = metadata.get(position);
    if (hash === 'damaged') return undefined;
    const known = hash === undefined ? undefined : this.#metadata.get(hash);
    if (known !== undefined) return known;
    const frame = await this.#records.find(segment, position);
    const set = frame && (this.#metadata.get(metadataHashOf(frame.body)) ?? (await decodeMetadataRecord(frame.body, this.#compression)));
    metadata.set(position, set?.hash ?? 'damaged');
    trim(metadata, MAX_SUPPORTS);
    return set && this.#metadata.add(set);
  }

  async #support<T>(
    segment: Segment,
    position: Position,
    type: number,
    known: Map<Position, T>,
    decode: (body: Uint8Array) => T,
  ): Promise<T> {
    const value = known.get(position) ?? decode(await this.#body(segment, position, type));
    known.set(position, value);
    trim(known, MAX_SUPPORTS);
    return value;
  }

  async #body(segment: Segment, position: Position, type: number): Promise<Uint8Array> {
    const body = (await this.#records.find(segment, position))?.body ?? (await this.#recovered(segment, position, type));
    if (body === undefined) throw new FormatError(`scrape record: record ${position}, which it names, is damaged`);
    return body;
  }

  async #recovered(segment: Segment, position: Position, type: number): Promise<Uint8Array | undefined> {
    const { recovered } = this.#cache(segment);
    const tried = recovered.get(position);
    // A copy may have been written since.
    if (tried !== undefined && (tried.body !== undefined || tried.last === segment.last)) return tried.body;
    const body = await this.#records.recover(segment, position, type);
    recovered.set(position, { body, last: segment.last });
    trim(recovered, MAX_RECOVERED);
    return body;
  }

  #cache(segment: Segment): SegmentCache {
    let cache = this.#caches.get(segment);
    if (cache === undefined) {
      cache = { targets: new Map(), boots: new Map(), tables: new Map(), metadata: new Map(), bases: new Map(), recovered: new Map() };
      this.#caches.set(segment, cache);
    }
    return cache;
  }
}

/** Rows of all tables kept; one row is some 30 bytes. The scraper holds the tables in use anyway. */
const MAX_CACHED_ROWS = 100_000;

/** Tables met lately, so that reading what was just written neither inflates nor parses them again. */
export class TableCache {
  readonly #tables = new Map<TableHash, SeriesTable>();
  #rows = 0;

  get(hash: TableHash | undefined): SeriesTable | undefined {
    const table = hash === undefined ? undefined : this.#tables.get(hash);
    if (table !== undefined) {
      this.#tables.delete(table.hash);
      this.#tables.set(table.hash, table);
    }
    return table;
  }

  add(table: SeriesTable): void {
    if (this.get(table.hash) !== undefined) return;
    this.#tables.set(table.hash, table);
    this.#rows += rowCount(table);
    for (const [hash, old] of this.#tables) {
      if (this.#rows <= MAX_CACHED_ROWS || hash === table.hash) break;
      this.#tables.delete(hash);
      this.#rows -= rowCount(old);
    }
  }
}
