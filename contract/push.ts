import { ByteReader, ByteWriter, FormatError, LimitError } from './binary.ts';
import type { Cells } from './cells.ts';
import { decodeColumns, encodeColumns, isTime } from './columns.ts';
import { push as wire } from './generated/push.js';
import { compareText, hasUtf8Form, isValidName, type Label, type Labels, utf8Length } from './labels.ts';
import { type WireLimits, wireLimits } from './limits.ts';
import { checkCounts } from './push-scan.ts';
import { REPORT_ROWS } from './report-series.ts';
import { fromHex, type TableHash, toHex } from './series-table.ts';

/** The device -> edge protocol as values. On the wire: contract/proto/push.proto, deflated (zlib). See contract/PUSH.md. */

export const PUSH_FORMAT = 1;
/** Of requests, answers and series tables. A device believes only answers of this type that name its log_id and position. */
export const PUSH_CONTENT_TYPE = 'application/x-agent-lite';
export const PUSH_PATH = '/api/v1/push';
export const TABLE_PATH = '/api/v1/series-tables/';

/** A record's number in a device's log; from 1, never used twice. */
export type Position = number;
/** 16 hex digits: 64 bits that name the content of a log up to a record. */
export type Chain = string;
export const NO_CHAIN: Chain = '0000000000000000';
/** 32 hex digits. */
export type LogId = string;

export interface Point {
  readonly position: Position;
  readonly chain: Chain;
}

export const gapReasons = ['unknown', 'evicted', 'set_aside', 'damaged'] as const;
export type GapReason = (typeof gapReasons)[number];
/** Positions `from..to`, inclusive, that the device will never send. */
export interface Gap {
  readonly from: Position;
  readonly to: Position;
  readonly reason: GapReason;
}

export interface DeviceClock {
  readonly wallMs: number;
  readonly bootMs: number;
  /** 32 hex digits. */
  readonly bootId: string;
  readonly offsetMs: number;
}

export interface TargetBatch {
  /** The target's own labels. */
  readonly labels: Labels;
  /** `undefined`: only report series, e.g. because every scrape failed before the first success. */
  readonly table: TableHash | undefined;
  /** Times of the scrapes in ms, ascending. */
  readonly times: readonly number[];
  /** Rows of the table; `undefined` exactly where `table` is. */
  readonly cells: Cells | undefined;
  /** Rows of {@link REPORT_ROWS}. */
  readonly report: Cells;
}

export interface Push {
  readonly logId: LogId;
  /** 0: in order. */
  readonly stream: number;
  /** The device's cursor: what the edge has acknowledged last. */
  readonly base: Point;
  /** The last record of this batch; `to.position === base.position` is an empty push, which asks for the time. */
  readonly to: Point;
  readonly gaps: readonly Gap[];
  readonly clock: DeviceClock;
  readonly version: string;
  readonly backlog: { readonly records: number; readonly bytes: number; readonly oldestMs: number };
  readonly externalLabels: Labels;
  readonly targets: readonly TargetBatch[];
}

/** A push before its columns are decoded: how many rows a table has is only known once the table is found. */
export interface UndecodedTargetBatch {
  readonly labels: Labels;
  readonly table: TableHash | undefined;
  readonly times: readonly number[];
  readonly report: Cells;
  /** Throws {@link FormatError}. `rows` is the row count of `table`. */
  decodeCells(rows: number): Cells;
}
export interface UndecodedPush extends Omit<Push, 'targets'> {
  readonly targets: readonly UndecodedTargetBatch[];
}

export const answerCodes = [
  'unspecified',
  'stored',
  'conflict',
  'unknown_tables',
  'malformed',
  'unauthorized',
  'forbidden',
  'too_large',
  'busy',
  'clock',
  'moved',
] as const;
export type AnswerCode = (typeof answerCodes)[number];

export interface PushAnswer {
  readonly code: AnswerCode;
  /** Of the request; empty where the edge could not read it. */
  readonly logId: LogId;
  /** The request's `to`. */
  readonly position: Position;
  readonly message: string;
  readonly edgeMs: number;
  readonly unknownTables: readonly TableHash[];
  /** `conflict`: how far the edge has stored this log. */
  readonly stored: Point | undefined;
  /** `conflict`: earlier points of this log that the edge has stored, newest first. */
  readonly points: readonly Point[];
  /** 0: no wish. */
  readonly minPushIntervalMs: number;
}

const reportRows = REPORT_ROWS.length;

/** The protobuf message, not yet deflated. Throws RangeError where a time is not an integer within 2^50 ms, or not ascending. */
export function encodePush(push: Push): Uint8Array {
  const baseMs = push.targets[0]?.times[0] ?? push.clock.wallMs;
  const message = new wire.PushRequest({
    format: PUSH_FORMAT,
    logId: fromHex(push.logId),
    stream: push.stream,
    base: push.base.position,
    baseChain: fromHex(push.base.chain),
    to: push.to.position,
    chain: fromHex(push.to.chain),
    gaps: push.gaps.map((gap) => new wire.Gap({ from: gap.from, to: gap.to, reason: gapReasons.indexOf(gap.reason) })),
    clock: new wire.Clock({
      wallMs: push.clock.wallMs,
      bootMs: push.clock.bootMs,
      bootId: fromHex(push.clock.bootId),
      offsetMs: push.clock.offsetMs,
    }),
    version: push.version,
    backlog: new wire.Backlog(push.backlog),
    baseMs,
    externalLabels: encodeLabels(push.externalLabels),
    targets: push.targets.map((target) => encodeTarget(target, baseMs)),
  });
  return wire.PushRequest.encode(message).finish();
}

const encodeLabels = (labels: Labels) => labels.map(([name, value]) => new wire.Label({ name, value }));

function encodeTarget(target: TargetBatch, baseMs: number) {
  const times = new ByteWriter(target.times.length + 8);
  encodeTimes(target.times, baseMs, times);
  const columns = new ByteWriter(target.cells === undefined ? 0 : target.cells.rows * 3);
  if (target.cells !== undefined) encodeColumns(target.cells, target.times, columns);
  const report = new ByteWriter(64);
  encodeColumns(target.report, target.times, report);
  return new wire.TargetBatch({
    labels: encodeLabels(target.labels),
    table: target.table === undefined ? new Uint8Array(0) : fromHex(target.table),
    times: times.bytes(),
    columns: columns.bytes(),
    report: report.bytes(),
  });
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

/**
 * Reads an inflated push. Memory is bounded by `limits` before it is taken.
 * Throws {@link FormatError} with the place; a {@link LimitError} means that less at once may pass.
 */
export function decodePush(bytes: Uint8Array, limits: WireLimits = wireLimits): UndecodedPush {
  checkCounts(bytes, limits);
  let message: wire.PushRequest;
  try {
    message = wire.PushRequest.decode(bytes);
  } catch (cause) {
    throw new FormatError('push: not a protobuf message of the push protocol', { cause });
  }
  if (message.format !== PUSH_FORMAT) throw new FormatError(`push: expected format ${PUSH_FORMAT}, got ${message.format}`);
  const base = { position: integer(message.base, 'base'), chain: hex(message.baseChain, 8, 'base_chain') };
  const to = { position: integer(message.to, 'to'), chain: hex(message.chain, 8, 'chain') };
  if (to.position < base.position) throw new FormatError(`push: "to" ${to.position} lies before "base" ${base.position}`);
  const baseMs = integer(message.baseMs, 'base_ms');
  if (!isTime(baseMs)) throw new FormatError('base_ms: out of range');
  const budget = { cells: limits.cellsPerPush };
  return {
    logId: hex(message.logId, 16, 'log_id'),
    stream: message.stream,
    base,
    to,
    gaps: message.gaps.map((gap, i) => decodeGap(gap as wire.Gap, i, base.position, to.position)),
    clock: {
      wallMs: integer(message.clock?.wallMs, 'clock.wall_ms'),
      bootMs: integer(message.clock?.bootMs, 'clock.boot_ms'),
      bootId: hex(message.clock?.bootId ?? new Uint8Array(0), 16, 'clock.boot_id'),
      offsetMs: integer(message.clock?.offsetMs, 'clock.offset_ms'),
    },
    version: message.version.slice(0, 64),
    backlog: {
      records: integer(message.backlog?.records, 'backlog.records'),
      bytes: integer(message.backlog?.bytes, 'backlog.bytes'),
      oldestMs: integer(message.backlog?.oldestMs, 'backlog.oldest_ms'),
    },
    externalLabels: decodeLabels(message.externalLabels as wire.Label[], 'external_labels', limits),
    targets: message.targets.map((target, i) => decodeTarget(target as wire.TargetBatch, i, baseMs, budget, limits)),
  };
}

function decodeGap(gap: wire.Gap, i: number, base: Position, to: Position): Gap {
  const from = integer(gap.from, `gaps[${i}].from`);
  const until = integer(gap.to, `gaps[${i}].to`);
  if (from <= base || until < from || until > to) throw new FormatError(`gaps[${i}]: ${from}..${until} lies outside ${base + 1}..${to}`);
  return { from, to: until, reason: gapReasons[gap.reason as number] ?? 'unknown' };
}

function decodeTarget(
  target: wire.TargetBatch,
  i: number,
  baseMs: number,
  budget: { cells: number },
  limits: WireLimits,
): UndecodedTargetBatch {
  const place = `targets[${i}]`;
  for (const reserved of ['mask', 'labelsHash', 'additions', 'exemplars', 'histograms', 'metadata'] as const) {
    if (target[reserved].length > 0) throw new FormatError(`${place}.${reserved}: not supported in format ${PUSH_FORMAT}`);
  }
  const labels = decodeLabels(target.labels as wire.Label[], `${place}.labels`, limits);
  const times = decodeTimes(target.times, baseMs, limits);
  const table = target.table.length === 0 ? undefined : hex(target.table, 16, `${place}.table`);
  if (table === undefined && target.columns.length > 0) throw new FormatError(`${place}.columns: given without a table`);
  const take = (rows: number): void => {
    budget.cells -= rows * times.length;
    if (budget.cells < 0) throw new LimitError(`${place}: expected at most ${limits.cellsPerPush} cells in a push`);
  };
  take(reportRows);
  const report = columns(target.report, reportRows, times, `${place}.report`);
  return {
    labels,
    table,
    times,
    report,
    decodeCells(rows) {
      take(rows);
      return columns(target.columns, rows, times, `${place}.columns`);
    },
  };
}

function columns(bytes: Uint8Array, rows: number, times: readonly number[], place: string): Cells {
  const reader = new ByteReader(bytes);
  try {
    const cells = decodeColumns(reader, rows, times);
    reader.end();
    return cells;
  } catch (cause) {
    if (cause instanceof FormatError) throw new FormatError(`${place}: ${cause.message}`, { cause });
    throw cause;
  }
}

function decodeLabels(labels: readonly wire.Label[], place: string, limits: WireLimits): Labels {
  if (labels.length > limits.labelsPerSeries)
    throw new FormatError(`${place}: expected at most ${limits.labelsPerSeries} labels, got ${labels.length}`);
  return labels.map((label, i): Label => {
    const before = labels[i - 1];
    if (before !== undefined && compareText(before.name, label.name) >= 0)
      throw new FormatError(`${place}: expected names unique and sorted`);
    if (!isValidName(label.name) || label.value === '' || !hasUtf8Form(label.value))
      throw new FormatError(`${place}[${i}]: expected a name and a value`);
    if (utf8Length(label.name) > limits.labelNameBytes || utf8Length(label.value) > limits.labelValueBytes)
      throw new FormatError(`${place}[${i}]: name or value too long`);
    return [label.name, label.value];
  });
}

/** protobufjs gives 64-bit fields as numbers or as Long objects, depending on what is installed beside it. */
function integer(value: number | { toNumber(): number } | null | undefined, place: string): number {
  const number = typeof value === 'object' && value !== null ? value.toNumber() : (value ?? 0);
  if (!Number.isSafeInteger(number)) throw new FormatError(`${place}: expected an integer within 2^53`);
  return number;
}

function hex(bytes: Uint8Array, length: number, place: string): string {
  if (bytes.length !== length) throw new FormatError(`${place}: expected ${length} bytes, got ${bytes.length}`);
  return toHex(bytes);
}

export function encodeAnswer(answer: PushAnswer): Uint8Array {
  const point = (p: Point) => new wire.Point({ position: p.position, chain: fromHex(p.chain) });
  const message = new wire.PushAnswer({
    code: answerCodes.indexOf(answer.code),
    logId: fromHex(answer.logId),
    position: answer.position,
    message: answer.message,
    edgeMs: answer.edgeMs,
    unknownTables: answer.unknownTables.map(fromHex),
    stored: answer.stored === undefined ? null : point(answer.stored),
    points: answer.points.map(point),
    minPushIntervalMs: answer.minPushIntervalMs,
  });
  return wire.PushAnswer.encode(message).finish();
}

/** Throws {@link FormatError}: then it was not the edge that answered. */
export function decodeAnswer(bytes: Uint8Array): PushAnswer {
  let message: wire.PushAnswer;
  try {
    message = wire.PushAnswer.decode(bytes);
  } catch (cause) {
    throw new FormatError('answer: not a protobuf message of the push protocol', { cause });
  }
  const point = (p: wire.IPoint): Point => ({
    position: integer(p.position, 'point'),
    chain: hex(p.chain ?? new Uint8Array(0), 8, 'point.chain'),
  });
  return {
    code: answerCodes[message.code as number] ?? 'unspecified',
    logId: toHex(message.logId),
    position: integer(message.position, 'position'),
    message: message.message,
    edgeMs: integer(message.edgeMs, 'edge_ms'),
    unknownTables: message.unknownTables.map((hash) => hex(hash, 16, 'unknown_tables')),
    stored: message.stored ? point(message.stored) : undefined,
    points: message.points.map(point),
    minPushIntervalMs: message.minPushIntervalMs,
  };
}

/** HTTP status of each answer. The code inside decides; the status is for proxies, logs and people. */
export const answerStatus: Readonly<Record<AnswerCode, number>> = {
  unspecified: 500,
  stored: 200,
  conflict: 409,
  unknown_tables: 424,
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  too_large: 413,
  busy: 503,
  clock: 422,
  moved: 503,
};
