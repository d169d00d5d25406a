import { ByteReader, FormatError, LimitError } from './binary.ts';
import { type Cells, isTime } from './cells.ts';
import type { ColumnsDecoder } from './decode-columns.ts';
import { countExemplars, decodeExemplars, type ExemplarCounts, type PushExemplar } from './exemplar-codec.ts';
import { compareText, hasUtf8Form, isValidName, type Label, type Labels, utf8Length } from './labels.ts';
import { likeOfKept } from './like-rows.ts';
import { attachmentLimits, type WireLimits } from './limits.ts';
import { countMasked, decodeMask, type Mask, withMasked } from './mask.ts';
import type { FamilyMetadata } from './metadata.ts';
import { countMetadata, decodeMetadata } from './metadata-codec.ts';
import { hex } from './push-fields.ts';
import * as wire from './push-wire.ts';
import { REPORT_ROWS } from './report-series.ts';
import { checkRow, type Row, type TableHash } from './series-table.ts';
import { decodeRows, MAX_INLINE_BYTES, MAX_INLINE_ROWS } from './table-form.ts';

/** Reads what `encodeTarget` wrote. */

/** A push before its columns are decoded: how many rows a table has is only known once the table is found. */
export interface UndecodedTargetBatch {
  readonly labels: Labels;
  readonly table: TableHash | undefined;
  readonly times: readonly number[];
  readonly report: Cells;
  /** Names the rows of {@link decodeInline}: their short form. Empty: there are none. */
  readonly inlineForm: Uint8Array;
  /** Throws {@link FormatError}. */
  decodeInline(): readonly Row[];
  /** As it came. */
  readonly mask: Mask;
  /** Throws {@link FormatError}. `rows` is the row count of `table`, `like` what `likeRows` says of it. Rows that the mask leaves out are absent. */
  decodeCells(rows: number, like?: Int32Array): Cells;
  /** Memory that the next two take, estimated; 0: there is nothing. */
  readonly exemplarMemory: number;
  readonly metadataMemory: number;
  /** As {@link decodeCells}. */
  decodeExemplars(rows: number): readonly PushExemplar[];
  /** Throws {@link FormatError}. */
  decodeMetadata(): readonly FamilyMetadata[];
}
const reportRows = REPORT_ROWS.length;

/** What decoding takes of memory: objects, arrays and strings, estimated. */
const exemplarMemory = ({ exemplars, labels }: ExemplarCounts, bytes: number): number => exemplars * 160 + labels * 64 + bytes * 4;
const metadataMemory = (families: number, bytes: number): number => families * 160 + bytes * 2;

function decodeTimes(bytes: Uint8Array, baseMs: number, limits: WireLimits): readonly number[] {
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  if (count < 1 || count > limits.scrapesPerTarget)
    throw new LimitError(`times: expected 1 to ${limits.scrapesPerTarget} scrapes, got ${count}`);
  const times: number[] = [];
  let before = baseMs;
  let step = 0;
  for (let i = 0; i < count; i++) {
    const coded = reader.zigzag();
    const change = i < 2 ? coded : coded + step;
    const time = before + change;
    if (i > 0 && change <= 0) throw new FormatError(`times: scrape ${i} is not after the one before`);
    if (!isTime(time)) throw new FormatError(`times: scrape ${i} is out of range`);
    step = change;
    before = time;
    times.push(time);
  }
  reader.end();
  return times;
}

export function decodeTarget(
  target: wire.TargetBatch,
  i: number,
  baseMs: number,
  budget: PushBudget,
  limits: WireLimits,
  decoder: ColumnsDecoder,
): UndecodedTargetBatch {
  const place = `targets[${i}]`;
  for (const reserved of ['labelsHash', 'histograms'] as const) {
    if (target[reserved].length > 0) throw new FormatError(`${place}.${reserved}: not supported in this format`);
  }
  const labels = decodeLabels(target.labels, `${place}.labels`, limits);
  const times = decodeTimes(target.times, baseMs, limits);
  const table = target.table.length === 0 ? undefined : hex(target.table, 16, `${place}.table`);
  if (table === undefined && target.mask.length > 0) throw new FormatError(`${place}.mask: given without a table`);
  if (table !== undefined && target.inline.length > 0) throw new FormatError(`${place}.inline: given beside a table`);
  if (target.inline.length > MAX_INLINE_BYTES) throw new LimitError(`${place}.inline: expected at most ${MAX_INLINE_BYTES} bytes`);
  const rowless = table === undefined && target.inline.length === 0;
  if (rowless && target.columns.length > 0) throw new FormatError(`${place}.columns: given without a table`);
  if (rowless && target.exemplars.length > 0) throw new FormatError(`${place}.exemplars: given without a table`);
  budget.take('cells', reportRows * times.length, place);
  const report = columns(decoder, target.report, reportRows, times, `${place}.report`);
  const exemplars = at(`${place}.exemplars`, () => countExemplars(target.exemplars));
  const families = at(`${place}.metadata`, () => countMetadata(target.metadata));
  budget.take('exemplars', exemplars.exemplars, place);
  budget.take('bytes of exemplars', target.exemplars.length, place);
  budget.take('metric families', families, place);
  budget.take('bytes of metadata', target.metadata.length, place);
  const mask = new Uint8Array(target.mask);
  return {
    labels,
    table,
    times,
    report,
    mask,
    inlineForm: target.inline,
    decodeInline: () => at(`${place}.inline`, () => decodeInline(target.inline, limits)),
    exemplarMemory: exemplarMemory(exemplars, target.exemplars.length),
    metadataMemory: metadataMemory(families, target.metadata.length),
    decodeCells(rows, like) {
      budget.take('cells', rows * times.length, place);
      if (mask.length === 0) return columns(decoder, target.columns, rows, times, `${place}.columns`, like);
      const masked = at(`${place}.mask`, () => decodeMask(mask, rows));
      const kept = rows - countMasked(masked);
      return withMasked(columns(decoder, target.columns, kept, times, `${place}.columns`, like && likeOfKept(like, masked)), masked);
    },
    decodeExemplars: (rows) => at(`${place}.exemplars`, () => decodeExemplars(target.exemplars, rows, times)),
    decodeMetadata: () => at(`${place}.metadata`, () => decodeMetadata(target.metadata)),
  };
}

function decodeInline(bytes: Uint8Array, limits: WireLimits): readonly Row[] {
  const rows = decodeRows(bytes, { ...limits, tableRows: Math.min(limits.tableRows, MAX_INLINE_ROWS) });
  for (const row of rows) checkRow(row, limits);
  return rows;
}

/** What is left of the limits of one push. */
export class PushBudget {
  readonly #limits: Readonly<Record<string, number>>;
  readonly #used = new Map<string, number>();

  constructor({ cellsPerPush }: WireLimits) {
    const { exemplarsPerPush, exemplarBytesPerPush, familiesPerPush, metadataBytesPerPush } = attachmentLimits;
    this.#limits = {
      cells: cellsPerPush,
      exemplars: exemplarsPerPush,
      'bytes of exemplars': exemplarBytesPerPush,
      'metric families': familiesPerPush,
      'bytes of metadata': metadataBytesPerPush,
    };
  }

  take(what: string, count: number, place: string): void {
    const limit = this.#limits[what] as number;
    const used = (this.#used.get(what) ?? 0) + count;
    if (used > limit) throw new LimitError(`${place}: expected at most ${limit} ${what} in a push`);
    this.#used.set(what, used);
  }
}

/** Adds the place to what a decoder throws. */
function at<T>(place: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof FormatError) throw new FormatError(`${place}: ${cause.message}`, { cause });
    throw cause;
  }
}

function columns(
  decoder: ColumnsDecoder,
  bytes: Uint8Array,
  rows: number,
  times: readonly number[],
  place: string,
  like?: Int32Array,
): Cells {
  return at(place, () => decoder.decode(bytes, rows, times, undefined, like));
}

export function decodeLabels(labels: readonly wire.Label[], place: string, limits: WireLimits): Labels {
  if (labels.length > limits.labelsPerSeries)
    throw new FormatError(`${place}: expected at most ${limits.labelsPerSeries} labels, got ${labels.length}`);
  let before = '';
  return labels.map((label, i): Label => {
    const { value } = label;
    const name = label.known === 0 ? label.name : knownName(label, `${place}[${i}]`);
    if (i > 0 && compareText(before, name) >= 0) throw new FormatError(`${place}: expected names unique and sorted`);
    if (!isValidName(name) || value === '' || !hasUtf8Form(value)) throw new FormatError(`${place}[${i}]: expected a name and a value`);
    if (utf8Length(name) > limits.labelNameBytes || utf8Length(value) > limits.labelValueBytes)
      throw new FormatError(`${place}[${i}]: name or value too long`);
    before = name;
    return [name, value];
  });
}

function knownName({ known, name }: wire.Label, place: string): string {
  const knownName = wire.KNOWN_NAMES[known - 1];
  if (knownName === undefined || name !== '')
    throw new FormatError(`${place}: expected a name, or the number of a known one, got ${known}`);
  return knownName;
}
