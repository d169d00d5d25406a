import { FormatError } from './binary.ts';
import { ColumnsEncoder } from './encode-columns.ts';
import type { Labels } from './labels.ts';
import type { Mask } from './mask.ts';
import { hex, integer } from './push-fields.ts';
import { encodeLabels, encodeTarget, type TargetBatch } from './push-target.ts';
import * as wire from './push-wire.ts';
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
/** Gaps of one push. A device with more of them sends the rest with the next push. */
export const GAPS_PER_PUSH = 1_000;

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

/** Whether a body is the message as it is: it begins with its format, which a zlib header cannot look like. */
export const isPlain = (body: Uint8Array): boolean => body[0] === 8 && body[1] === PUSH_FORMAT;

export interface PushToEncode extends Omit<Push, 'targets'> {
  /** Gone through once: what one of them holds is not read any more when the next is asked for. */
  readonly targets: Iterable<TargetBatch>;
}

/** The protobuf message, not yet deflated. Throws RangeError where a time is not an integer within 2^50 ms, or not ascending. */
export function encodePush(push: PushToEncode): Uint8Array {
  const columns = new ColumnsEncoder();
  let baseMs: number | undefined;
  const targets = Array.from(push.targets, (target) => {
    baseMs ??= target.times[0] ?? 0;
    return encodeTarget(target, baseMs, columns);
  });
  return wire.PushRequest.encode({
    format: PUSH_FORMAT,
    logId: fromHex(push.logId),
    stream: push.stream,
    base: push.base.position,
    baseChain: fromHex(push.base.chain),
    to: push.to.position,
    chain: fromHex(push.to.chain),
    gaps: push.gaps.map((gap) => ({ from: gap.from, to: gap.to, reason: gapReasons.indexOf(gap.reason) })),
    clock: {
      wallMs: push.clock.wallMs,
      bootMs: push.clock.bootMs,
      offsetMs: push.clock.offsetMs,
    },
    version: push.version,
    backlog: { ...push.backlog },
    baseMs: baseMs ?? 0,
    externalLabels: encodeLabels(push.externalLabels),
    targets,
  });
}

export function encodeAnswer(answer: PushAnswer): Uint8Array {
  const point = (p: Point) => ({ position: p.position, chain: fromHex(p.chain) });
  return wire.PushAnswer.encode({
    code: answerCodes.indexOf(answer.code),
    logId: fromHex(answer.logId),
    position: answer.position,
    message: answer.message,
    edgeMs: answer.edgeMs,
    unknownTables: answer.unknownTables.map(fromHex),
    stored: answer.stored === undefined ? null : point(answer.stored),
    points: answer.points.map(point),
    minPushIntervalMs: answer.minPushIntervalMs,
    masks: answer.masks.map(({ targets, mask }) => ({ targets, rows: mask })),
    // Left out where there is none, as from an edge that does not know the field.
    freshWindowMs: answer.freshWindowMs || null,
  });
}

/** Throws {@link FormatError}: then it was not the edge that answered. */
export function decodeAnswer(bytes: Uint8Array): PushAnswer {
  let message: wire.PushAnswer;
  try {
    message = wire.PushAnswer.decode(bytes);
  } catch (cause) {
    throw new FormatError('answer: not a protobuf message of the push protocol', { cause });
  }
  const point = (p: wire.PushPoint): Point => ({
    position: integer(p.position, 'point'),
    chain: hex(p.chain, 8, 'point.chain'),
  });
  return {
    code: answerCodes[message.code] ?? 'unspecified',
    logId: toHex(message.logId),
    position: integer(message.position, 'position'),
    message: message.message,
    edgeMs: integer(message.edgeMs, 'edge_ms'),
    unknownTables: message.unknownTables.map((hash) => hex(hash, 16, 'unknown_tables')),
    stored: message.stored ? point(message.stored) : undefined,
    points: message.points.map(point),
    minPushIntervalMs: message.minPushIntervalMs,
    masks: message.masks.map((mask) => ({ targets: mask.targets, mask: new Uint8Array(mask.rows) })),
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
