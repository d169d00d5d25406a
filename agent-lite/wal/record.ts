import { ByteReader, ByteWriter, FormatError } from '../../contract/binary.ts';
import { type Cells, VALUE } from '../../contract/cells.ts';
import { compactTable } from '../../contract/compact-table.ts';
import type { ColumnsDecoder } from '../../contract/decode-columns.ts';
import type { ColumnsEncoder } from '../../contract/encode-columns.ts';
import type { Exemplar } from '../../contract/exemplar.ts';
import { decodeExemplars, encodeExemplars } from '../../contract/exemplar-codec.ts';
import { compareText, type Label, type Labels } from '../../contract/labels.ts';
import { attachmentLimits, wireLimits } from '../../contract/limits.ts';
import { decodeMetadata, encodeMetadata } from '../../contract/metadata-codec.ts';
import type { Position } from '../../contract/push.ts';
import { REPORT_ROWS } from '../../contract/report-series.ts';
import { decodeTable, fromHex, hashTable, type SeriesTable, type Sha256, type TableHash, toHex } from '../../contract/series-table.ts';
import type { MetadataSet } from './attachments.ts';
import { BOOT, METADATA, NOTE, SCRAPE_DELTA, SCRAPE_KEY, TABLE, TARGET } from './format.ts';

/** The bodies of records: `u8 type`, then the payload. Records name others of their segment by how many positions they lie back. */

/** Deflate without a header (RFC 1951), given by the platform. */
export interface Compression {
  readonly compress: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** `size`: of the result; more is an error. */
  readonly decompress: (bytes: Uint8Array, size: number) => Uint8Array | Promise<Uint8Array>;
}

const RAW = 0;
const DEFLATED = 1;
const NOTHING = new Uint8Array(0);

async function writeContent(writer: ByteWriter, content: Uint8Array, compression: Compression | undefined): Promise<void> {
  const deflated = await compression?.compress(content);
  if (deflated !== undefined && deflated.length + 3 < content.length) {
    writer.u8(DEFLATED);
    writer.varint(content.length);
    writer.raw(deflated);
  } else {
    writer.u8(RAW);
    writer.raw(content);
  }
}

async function readContent(reader: ByteReader, limit: number, compression: Compression | undefined): Promise<Uint8Array> {
  const form = reader.u8();
  if (form === RAW) return reader.raw(reader.remaining);
  if (form !== DEFLATED) throw new FormatError(`record: expected content form ${RAW} or ${DEFLATED}, got ${form}`);
  const size = reader.varint();
  if (size > limit) throw new FormatError(`record: expected at most ${limit} bytes inflated, got ${size}`);
  if (compression === undefined) throw new FormatError('record: it is deflated, and nothing was given to inflate it');
  let content: Uint8Array;
  try {
    content = await compression.decompress(reader.raw(reader.remaining), size);
  } catch (cause) {
    throw new FormatError('record: its content does not inflate', { cause });
  }
  if (content.length !== size) throw new FormatError(`record: expected ${size} bytes inflated, got ${content.length}`);
  return content;
}

export async function encodeTableRecord(table: SeriesTable, compression: Compression | undefined): Promise<Uint8Array> {
  const writer = new ByteWriter(table.bytes.length + 32);
  writer.u8(TABLE);
  writer.raw(fromHex(table.hash));
  await writeContent(writer, table.bytes, compression);
  return writer.bytes();
}

export function tableHashOf(body: Uint8Array): TableHash {
  return toHex(open(body, [TABLE]).raw(16));
}

/** Checks that the bytes are what the hash names. */
export async function decodeTableRecord(body: Uint8Array, sha256: Sha256, compression: Compression | undefined): Promise<SeriesTable> {
  const reader = open(body, [TABLE]);
  const hash = toHex(reader.raw(16));
  const bytes = new Uint8Array(await readContent(reader, wireLimits.tableBytes, compression));
  const got = await hashTable(bytes, sha256);
  if (got !== hash) throw new FormatError(`table record: expected bytes with hash ${hash}, got ${got}`);
  decodeTable(bytes);
  return compactTable(hash, bytes);
}

export async function encodeMetadataRecord({ hash, families }: MetadataSet, compression: Compression | undefined): Promise<Uint8Array> {
  const writer = new ByteWriter(1024);
  writer.u8(METADATA);
  writer.raw(fromHex(hash));
  await writeContent(writer, encodeMetadata(families), compression);
  return writer.bytes();
}

export function metadataHashOf(body: Uint8Array): string {
  return toHex(open(body, [METADATA]).raw(16));
}

export async function decodeMetadataRecord(body: Uint8Array, compression: Compression | undefined): Promise<MetadataSet> {
  const reader = open(body, [METADATA]);
  const hash = toHex(reader.raw(16));
  return { hash, families: decodeMetadata(await readContent(reader, attachmentLimits.metadataBytesPerPush, compression)) };
}

export function encodeTargetRecord(labels: Labels): Uint8Array {
  const writer = new ByteWriter(128);
  writer.u8(TARGET);
  writer.varint(labels.length);
  for (const [name, value] of labels) {
    writer.string(name);
    writer.string(value);
  }
  return writer.bytes();
}

export function decodeTargetRecord(body: Uint8Array): Labels {
  const reader = open(body, [TARGET]);
  const count = reader.varint();
  const labels: Label[] = [];
  for (let i = 0; i < count; i++) {
    const label: Label = [reader.string(), reader.string()];
    const before = labels[i - 1];
    if (before !== undefined && compareText(before[0], label[0]) >= 0) throw new FormatError('target record: expected sorted labels');
    labels.push(label);
  }
  reader.end();
  return labels;
}

export function encodeBootRecord(bootId: string): Uint8Array {
  const writer = new ByteWriter(17);
  writer.u8(BOOT);
  writer.raw(fromHex(bootId));
  return writer.bytes();
}

export function decodeBootRecord(body: Uint8Array): string {
  const reader = open(body, [BOOT]);
  const bootId = toHex(reader.raw(16));
  reader.end();
  return bootId;
}

/** Cells that the next scrape of the same target may be told against. */
export interface BaseCells {
  readonly position: Position;
  readonly crc: number;
  readonly cells: Cells | undefined;
  readonly report: Cells;
}

/** A scrape record without its cells. */
export interface ScrapeHead {
  readonly targetAt: Position;
  readonly bootAt: Position;
  /** Undefined: the scrape has no table. */
  readonly tableAt: Position | undefined;
  /** Undefined: nothing is known of the target's metadata. */
  readonly metadataAt: Position | undefined;
  readonly wallMs: number;
  readonly bootMs: number;
  /** Of a delta: the record it is told against. */
  readonly base: { readonly position: Position; readonly crc: number } | undefined;
}

/** The end of a scrape record: its exemplars, in order of rows. */
export async function encodeExemplarsOfScrape(
  exemplars: readonly Exemplar[],
  wallMs: number,
  compression: Compression | undefined,
): Promise<Uint8Array> {
  const beside = new ByteWriter(exemplars.length * 64);
  encodeExemplars(
    exemplars.map((exemplar) => ({ ...exemplar, scrape: 0 })),
    [wallMs],
    beside,
  );
  const writer = new ByteWriter(beside.length + 32);
  await writeContent(writer, beside.bytes(), compression);
  return writer.bytes();
}

/** @param exemplars what {@link encodeExemplarsOfScrape} made of them, where there are any */
export function writeScrapeRecord(
  writer: ByteWriter,
  position: Position,
  head: ScrapeHead,
  cells: Cells | undefined,
  report: Cells,
  exemplars: Uint8Array | undefined,
  base: BaseCells | undefined,
  columns: ColumnsEncoder,
): void {
  writer.u8(head.base === undefined ? SCRAPE_KEY : SCRAPE_DELTA);
  writer.varint(position - head.targetAt);
  writer.varint(position - head.bootAt);
  writer.varint(head.tableAt === undefined ? 0 : position - head.tableAt);
  writer.varint(head.metadataAt === undefined ? 0 : position - head.metadataAt);
  writer.zigzag(head.wallMs);
  writer.zigzag(head.bootMs);
  if (head.base !== undefined) {
    writer.varint(position - head.base.position);
    writer.u32(head.base.crc);
  }
  const times = [head.wallMs];
  if (cells !== undefined) {
    checkOwnTimes(cells, head.wallMs);
    writer.block(columns.encode(cells, times, base?.cells));
  }
  writer.block(columns.encode(report, times, base?.report));
  if (exemplars !== undefined) writer.raw(exemplars);
}

/** Beyond 2^51 ms a difference of times would not be written exactly; a scraper refuses such times long before. */
function checkOwnTimes(cells: Cells, wallMs: number): void {
  for (const [row, own] of cells.ownTimes ?? []) {
    if (cells.states[row] !== VALUE) continue;
    const time = own[0] as number;
    if (!Number.isSafeInteger(time) || Math.abs(time - wallMs) > 2 ** 51)
      throw new RangeError(`scrape record row ${row}: expected a timestamp within 2^51 ms, got ${time}`);
  }
}

export const isScrape = (body: Uint8Array): boolean => body[0] === SCRAPE_KEY || body[0] === SCRAPE_DELTA;

export function decodeScrapeHead(position: Position, body: Uint8Array): { head: ScrapeHead; reader: ByteReader } {
  const reader = open(body, [SCRAPE_KEY, SCRAPE_DELTA]);
  const back = (): Position => {
    const distance = reader.varint();
    if (distance >= position) throw new FormatError(`scrape record: it names a record ${distance} back from ${position}`);
    return position - distance;
  };
  const targetAt = back();
  const bootAt = back();
  const table = back();
  const metadata = back();
  const wallMs = reader.zigzag();
  const bootMs = reader.zigzag();
  const base = body[0] === SCRAPE_DELTA ? { position: back(), crc: reader.u32() } : undefined;
  if (targetAt === position || bootAt === position || base?.position === position) throw new FormatError('scrape record: it names itself');
  const [tableAt, metadataAt] = [table, metadata].map((at) => (at === position ? undefined : at));
  return { head: { targetAt, bootAt, tableAt, metadataAt, wallMs, bootMs, base }, reader };
}

/** `reader` as {@link decodeScrapeHead} left it. `base` must be the very record that the head names. */
export async function decodeScrapeCells(
  head: ScrapeHead,
  reader: ByteReader,
  rows: number | undefined,
  base: BaseCells | undefined,
  compression: Compression | undefined,
  columns: ColumnsDecoder,
): Promise<{ cells: Cells | undefined; report: Cells; exemplars: readonly Exemplar[] }> {
  const times = [head.wallMs];
  const cells = rows === undefined ? undefined : columns.decode(reader.block(), rows, times, base?.cells);
  const report = columns.decode(reader.block(), REPORT_ROWS.length, times, base?.report);
  const beside = reader.remaining === 0 ? NOTHING : await readContent(reader, attachmentLimits.exemplarBytesPerPush, compression);
  const exemplars = decodeExemplars(beside, rows ?? 0, times);
  return { cells, report, exemplars: exemplars.map(({ row, labels, value, ms }) => ({ row, labels, value, ms })) };
}

export function encodeNoteRecord(reason: string, wallMs: number): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u8(NOTE);
  writer.u64(Math.max(0, Math.round(wallMs)));
  writer.string(reason);
  return writer.bytes();
}

export function decodeNoteRecord(body: Uint8Array): { reason: string; wallMs: number } {
  const reader = open(body, [NOTE]);
  const wallMs = reader.u64();
  const reason = reader.string();
  reader.end();
  return { reason, wallMs };
}

function open(body: Uint8Array, types: readonly number[]): ByteReader {
  const reader = new ByteReader(body);
  const type = reader.u8();
  if (!types.includes(type)) throw new FormatError(`record: expected type ${types.join(' or ')}, got ${type}`);
  return reader;
}
