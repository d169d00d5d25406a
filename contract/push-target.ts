import { ByteWriter } from './binary.ts';
import { type Cells, isTime } from './cells.ts';
import type { ColumnsEncoder } from './encode-columns.ts';
import { encodeExemplars, type PushExemplar } from './exemplar-codec.ts';
import type { Labels } from './labels.ts';
import { likeOfKept } from './like-rows.ts';
import { decodeMask, type Mask, NO_MASK, withoutMasked } from './mask.ts';
import type { FamilyMetadata } from './metadata.ts';
import { encodeMetadata } from './metadata-codec.ts';
import { KNOWN_NAMES } from './push-wire.ts';
import { fromHex, type Row, type TableHash } from './series-table.ts';
import { encodeTableForm } from './table-form.ts';

/** A target's part of a push: its scrapes as columns, and what travels beside them. FORMAT.md describes the bytes. */

export interface TargetBatch {
  /** The target's own labels. */
  readonly labels: Labels;
  /** `undefined`: only report series, e.g. because every scrape failed before the first success. */
  readonly table: TableHash | undefined;
  /** Times of the scrapes in ms, ascending. */
  readonly times: readonly number[];
  /** Rows of the table; `undefined` exactly where `table` is. */
  readonly cells: Cells | undefined;
  /** For each of these rows one that it is like (`likeRows`); `undefined` where `cells` is. */
  readonly like?: Int32Array | undefined;
  /** Rows of {@link REPORT_ROWS}. */
  readonly report: Cells;
  /** Ascending by row of the table, then by scrape. */
  readonly exemplars: readonly PushExemplar[];
  /** The target's families, ascending by name; none where they are not sent this time. */
  readonly metadata: readonly FamilyMetadata[];
  /** Rows instead of a table, in the order of their short form: few, beside an entry of the same target with a table. */
  readonly inline?: readonly Row[] | undefined;
  /** Rows of `cells` and `exemplars` that do not travel. */
  readonly mask?: Mask | undefined;
}

export const encodeLabels = (labels: Labels) =>
  labels.map(([name, value]) => {
    const known = KNOWN_NAMES.indexOf(name) + 1;
    return known === 0 ? { name, value, known } : { name: '', value, known };
  });

export function encodeTarget(target: TargetBatch, baseMs: number, encoder: ColumnsEncoder) {
  const { cells, mask = NO_MASK } = target;
  const masked = cells === undefined || mask.length === 0 ? undefined : decodeMask(mask, cells.rows);
  const times = new ByteWriter(target.times.length + 8);
  encodeTimes(target.times, baseMs, times);
  const exemplars = new ByteWriter(target.exemplars.length * 64);
  encodeExemplars(
    masked === undefined ? target.exemplars : target.exemplars.filter(({ row }) => masked[row] === 0),
    target.times,
    exemplars,
  );
  return {
    labels: encodeLabels(target.labels),
    table: target.table === undefined ? new Uint8Array(0) : fromHex(target.table),
    times: times.bytes(),
    columns: columns(encoder, target, masked),
    mask: masked === undefined ? NO_MASK : mask,
    inline: target.inline === undefined ? NO_MASK : encodeTableForm(target.inline),
    report: encoder.encode(target.report, target.times),
    exemplars: exemplars.bytes(),
    metadata: encodeMetadata(target.metadata),
  };
}

function columns(encoder: ColumnsEncoder, { cells, times, like }: TargetBatch, masked: Uint8Array | undefined): Uint8Array {
  if (cells === undefined) return new Uint8Array(0);
  if (masked === undefined) return encoder.encode(cells, times, undefined, like);
  return encoder.encode(withoutMasked(cells, masked), times, undefined, like && likeOfKept(like, masked));
}

/** `varint count`, `zigzag(first - base)`, then the first difference and the differences of differences, zigzag. */
function encodeTimes(times: readonly number[], baseMs: number, writer: ByteWriter): void {
  writer.varint(times.length);
  let before = baseMs;
  let step = 0;
  times.forEach((time, i) => {
    const change = time - before;
    if (!isTime(time) || (i > 0 && change <= 0)) throw new RangeError(`encodePush: scrape ${i} at ${time} ms after ${before} ms`);
    writer.zigzag(i < 2 ? change : change - step);
    step = change;
    before = time;
  });
}
