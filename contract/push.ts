import { FormatError } from './binary.ts';
import { isTime } from './cells.ts';
import { push as wire } from './generated/push.js';
import type { Labels } from './labels.ts';
import { type WireLimits, wireLimits } from './limits.ts';
import { type Mask, NO_MASK } from './mask.ts';
import { checkCounts } from './push-scan.ts';
import {
  decodeLabels,
  decodeTarget,
  encodeLabels,
  encodeTarget,
  hex,
  PushBudget,
  type TargetBatch,
  type UndecodedTargetBatch,
} from './push-target.ts';
import { fromHex, type TableHash, toHex } from './series-table.ts';

/** The device -> edge protocol as values. On the wire: contract/proto/push.proto, deflated (zlib). See contract/PUSH.md. */

export const PUSH_FORMAT = 2;
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
/** Streams of a log that are not finished; the edge remembers the newest so many. */
export const MAX_STREAMS = 4;

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
  readonly offsetMs: number;
}

export interface Push {
  readonly logId: LogId;
  /** Ascending; each stream is in order for itself. 0 until the device puts fresh samples first. */
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
  'wrong_mask',
] as const;
export type AnswerCode = (typeof answerCodes)[number];

/** Which rows of the tables of some targets the edge drops. */
export interface TargetMask {
  /** Indexes of the push's targets. */
  readonly targets: readonly number[];
  readonly mask: Mask;
}

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
  /** `wrong_mask`: the right ones. `stored`: those to be used from now on, where they differ from the push's. */
  readonly masks: readonly TargetMask[];
  /** `stored`: how old samples may be that come behind newer ones; 0: strictly in order. */
  readonly freshWindowMs: number;
}

/** The protobuf message, not yet deflated. Throws RangeError where a time is not an integer within 2^50 ms, or not ascending. */
export function encodePush(push: Push): Uint8Array {
  const baseMs = push.targets[0]?.times[0] ?? 0;
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
  const budget = new PushBudget(limits);
  return {
    logId: hex(message.logId, 16, 'log_id'),
    stream: message.stream,
    base,
    to,
    gaps: message.gaps.map((gap, i) => decodeGap(gap as wire.Gap, i, base.position, to.position)),
    clock: {
      wallMs: integer(message.clock?.wallMs, 'clock.wall_ms'),
      bootMs: integer(message.clock?.bootMs, 'clock.boot_ms'),
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

/** protobufjs gives 64-bit fields as numbers or as Long objects, depending on what is installed beside it. */
function integer(value: number | { toNumber(): number } | null | undefined, place: string): number {
  const number = typeof value === 'object' && value !== null ? value.toNumber() : (value ?? 0);
  if (!Number.isSafeInteger(number)) throw new FormatError(`${place}: expected an integer within 2^53`);
  return number;
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
    masks: answer.masks.map(({ targets, mask }) => new wire.Mask({ targets: [...targets], rows: mask })),
    // Left out where there is none, as from an edge that does not know the field.
    freshWindowMs: answer.freshWindowMs || null,
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
    masks: message.masks.map((mask) => ({ targets: mask.targets ?? [], mask: new Uint8Array(mask.rows ?? NO_MASK) })),
    freshWindowMs: integer(message.freshWindowMs, 'fresh_window_ms'),
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
  wrong_mask: 424,
};
