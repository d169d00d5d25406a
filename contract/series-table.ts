import { ByteReader, ByteWriter, FormatError } from './binary.ts';
import { compareText, isValidName, type Label, type Labels, labelValue, METRIC_NAME, utf8Length } from './labels.ts';
import { type WireLimits, wireLimits } from './limits.ts';

/**
 * A series table: the list of series that a target exposes, as residual rows, named by the SHA-256 of its canonical bytes.
 *
 * A row is the series' final labels minus the pairs that equal the target's own; a target label that the final set lacks is
 * stored with an empty value. Rows are unique and sorted, so equal devices have equal tables whatever order they expose.
 *
 * Canonical bytes: `varint row count`, then per row `varint shared` (how many leading bytes it has in common with the row
 * before), then the rest as a length-prefixed block. A row's bytes are `varint pair count`, then per pair
 * `string name`, `string value`; pairs are sorted by name (byte order), the metric name among them as `__name__`.
 */
export interface SeriesTable {
  /** 32 hex digits: the first 16 bytes of SHA-256 over {@link bytes}. */
  readonly hash: TableHash;
  readonly rows: readonly Row[];
  /** Canonical bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}
export type TableHash = string;
/** Like {@link Labels}, but an empty value is allowed and means: remove this target label. `__name__` is never empty. */
export type Row = readonly Label[];

/** Synchronous SHA-256 where the platform has one, else a promise. */
export type Sha256 = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>;

/** Labels a series has beyond its target's. Both arguments are sorted. */
export function residual(final: Labels, target: Labels): Row {
  const row: Label[] = [];
  let t = 0;
  for (const label of final) {
    while (t < target.length && compareText((target[t] as Label)[0], label[0]) < 0) {
      row.push([(target[t] as Label)[0], '']);
      t++;
    }
    const own = target[t];
    if (own !== undefined && own[0] === label[0]) {
      t++;
      if (own[1] === label[1]) continue;
    }
    row.push(label);
  }
  for (; t < target.length; t++) row.push([(target[t] as Label)[0], '']);
  return row;
}

/** The inverse of {@link residual}: target labels, overwritten by the row, empty values removed. */
export function rebuild(row: Row, target: Labels): Labels {
  const labels: Label[] = [];
  let t = 0;
  for (const label of row) {
    while (t < target.length && compareText((target[t] as Label)[0], label[0]) < 0) labels.push(target[t++] as Label);
    if (t < target.length && (target[t] as Label)[0] === label[0]) t++;
    if (label[1] !== '') labels.push(label);
  }
  for (; t < target.length; t++) labels.push(target[t] as Label);
  return labels;
}

/** The bytes of one row; a key under which rows compare and sort. */
export function encodeRow(row: Row): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(128);
  writeRow(row, writer);
  return writer.bytes();
}

function writeRow(row: Row, writer: ByteWriter): void {
  writer.varint(row.length);
  for (const label of row) {
    writer.string(label[0]);
    writer.string(label[1]);
  }
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Brings rows into canonical order. Returns the table and, for each given row, its index in the table. */
export async function buildTable(rows: readonly Row[], sha256: Sha256): Promise<{ table: SeriesTable; order: Uint32Array }> {
  const keys = new RowKeys(rows);
  const sorted = Uint32Array.from(rows.keys()).sort((a, b) => keys.compare(a, b));
  const order = new Uint32Array(rows.length);
  const writer = new ByteWriter(rows.length * 32 + 16);
  writer.varint(rows.length);
  sorted.forEach((row, position) => {
    order[row] = position;
    keys.write(row, sorted[position - 1], writer);
  });
  const bytes = writer.bytes();
  return { table: { hash: await hashTable(bytes, sha256), rows: Array.from(sorted, (row) => rows[row] as Row), bytes }, order };
}

/** The bytes of rows one behind the other: arrays of their own would take five times the memory of the rows. */
class RowKeys {
  readonly #bytes: Uint8Array;
  /** Where each begins, and the end of the last. */
  readonly #starts = [0];

  constructor(rows: readonly Row[]) {
    const writer = new ByteWriter(rows.length * 64 + 16);
    for (const row of rows) {
      writeRow(row, writer);
      this.#starts.push(writer.length);
    }
    this.#bytes = writer.bytes();
  }

  compare(a: number, b: number): number {
    const shared = this.#shared(a, b);
    return this.#byte(a, shared) - this.#byte(b, shared);
  }

  /** As canonical bytes have it behind `before`. */
  write(row: number, before: number | undefined, writer: ByteWriter): void {
    const shared = before === undefined ? 0 : this.#shared(before, row);
    const start = this.#start(row) + shared;
    const end = this.#start(row + 1);
    if (start === end) throw new RangeError('buildTable: a row is given twice');
    writer.varint(shared);
    writer.block(this.#bytes.subarray(start, end));
  }

  #shared(a: number, b: number): number {
    let i = 0;
    while (this.#byte(a, i) >= 0 && this.#byte(a, i) === this.#byte(b, i)) i++;
    return i;
  }

  /** -1 behind the end: of two rows the shorter comes first. */
  #byte(row: number, at: number): number {
    const place = this.#start(row) + at;
    return place < this.#start(row + 1) ? (this.#bytes[place] as number) : -1;
  }

  #start(row: number): number {
    return this.#starts[row] as number;
  }
}

export async function hashTable(bytes: Uint8Array<ArrayBuffer>, sha256: Sha256): Promise<TableHash> {
  return toHex((await sha256(bytes)).subarray(0, 16));
}

/**
 * Reads canonical bytes. Throws {@link FormatError} with the row's number for anything that {@link buildTable} would not
 * have written: a hash names one list of rows only if there is one way to write it.
 */
export function decodeTable(bytes: Uint8Array, limits: WireLimits = wireLimits): readonly Row[] {
  if (bytes.length > limits.tableBytes)
    throw new FormatError(`series table: expected at most ${limits.tableBytes} bytes, got ${bytes.length}`);
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  if (count > limits.tableRows) throw new FormatError(`series table: expected at most ${limits.tableRows} rows, got ${count}`);
  const rows: Row[] = [];
  let previous: Uint8Array = new Uint8Array(0);
  const decoder = new RowDecoder(limits);
  // Front coding multiplies: without this bound a few bytes a row could name megabytes.
  let budget = limits.tableBytes * 4;
  for (let i = 0; i < count; i++) {
    const shared = reader.varint();
    if (shared > previous.length) throw new FormatError(`series table row ${i}: shares ${shared} bytes with a row of ${previous.length}`);
    const rest = reader.block();
    budget -= shared + rest.length;
    if (budget < 0) throw new FormatError(`series table row ${i}: expected at most ${limits.tableBytes * 4} bytes expanded`);
    const key = new Uint8Array(shared + rest.length);
    key.set(previous.subarray(0, shared));
    key.set(rest, shared);
    if (i > 0 && compareBytes(previous, key) >= 0) throw new FormatError(`series table row ${i}: expected rows unique and sorted`);
    if (sharedPrefix(previous, key) !== shared) throw new FormatError(`series table row ${i}: expected the longest shared prefix`);
    rows.push(decoder.next(key, shared, i));
    previous = key;
  }
  reader.end();
  return rows;
}

/** Throws {@link FormatError} on a row that no table may have. */
export function checkRow(row: Row, limits: WireLimits): void {
  if (row.length > limits.labelsPerSeries)
    throw new FormatError(`row: expected at most ${limits.labelsPerSeries} labels, got ${row.length}`);
  row.forEach(([name, value], i) => {
    const before = row[i - 1];
    if (!isValidName(name) || (before !== undefined && compareText(before[0], name) >= 0))
      throw new FormatError('row: expected label names unique and sorted, none empty');
    if (utf8Length(name) > limits.labelNameBytes || utf8Length(value) > limits.labelValueBytes)
      throw new FormatError('row: name or value too long');
  });
  if (labelValue(row, METRIC_NAME) === '') throw new FormatError('row: expected a metric name');
}

/** Bytes of memory that the rows of one table may take, by the estimates below. Bytes on the wire say little about it. */
const MEMORY_PER_TABLE = 64 * 1024 * 1024;
const MEMORY_PER_ROW = 64;
const MEMORY_PER_REFERENCE = 8;
const MEMORY_PER_LABEL = 100;

/** Reads the rows of one table in turn. Labels within the shared prefix are the same objects as in the row before. */
class RowDecoder {
  readonly #limits: WireLimits;
  #row: Row = [];
  /** Offset behind each label of `#row`. */
  #ends: number[] = [];
  #memory = MEMORY_PER_TABLE;

  constructor(limits: WireLimits) {
    this.#limits = limits;
  }

  next(key: Uint8Array, shared: number, index: number): Row {
    const limits = this.#limits;
    const count = new ByteReader(key).varint();
    if (count > limits.labelsPerSeries)
      throw new FormatError(`series table row ${index}: expected at most ${limits.labelsPerSeries} labels, got ${count}`);
    const row: Label[] = [];
    const ends: number[] = [];
    while (row.length < this.#row.length && (this.#ends[row.length] as number) <= shared) {
      ends.push(this.#ends[row.length] as number);
      row.push(this.#row[row.length] as Label);
    }
    const reader = new ByteReader(key, ends.at(-1) ?? varintLength(count));
    this.#memory -= MEMORY_PER_ROW + count * MEMORY_PER_REFERENCE + (count - row.length) * MEMORY_PER_LABEL + reader.remaining;
    if (this.#memory < 0) throw new FormatError(`series table row ${index}: expected rows of at most ${MEMORY_PER_TABLE} bytes in memory`);
    while (row.length < count) {
      const name = reader.string(limits.labelNameBytes);
      const value = reader.string(limits.labelValueBytes);
      if (!isValidName(name)) throw new FormatError(`series table row ${index}: expected a label name, got an empty one`);
      const before = row.at(-1);
      if (before !== undefined && compareText(before[0], name) >= 0)
        throw new FormatError(`series table row ${index}: expected label names unique and sorted`);
      row.push([name, value]);
      ends.push(reader.position);
    }
    reader.end();
    if (labelValue(row, METRIC_NAME) === '') throw new FormatError(`series table row ${index}: expected a metric name`);
    this.#row = row;
    this.#ends = ends;
    return row;
  }
}

const varintLength = (value: number): number => (value < 0x80 ? 1 : 2);

function sharedPrefix(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += (byte < 16 ? '0' : '') + byte.toString(16);
  return text;
}

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text))
    throw new FormatError(`expected lower-case hex digits, got ${JSON.stringify(text.slice(0, 40))}`);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
