import {
  bytes,
  int32,
  int64,
  type MessageOf,
  many,
  message,
  one,
  packedUint32,
  repeatedBytes,
  string,
  uint32,
  uint64,
} from './protobuf-message.ts';

/** The messages of proto/push.proto, field by field in the order of their numbers; what they mean is told there. */

/** Names that nearly every target has, by their numbers in {@link Label}, less 1. */
export const KNOWN_NAMES: readonly string[] = ['instance', 'job'];
export const Label = message({ name: string(1), value: string(2), known: uint32(3) });
export const Gap = message({ from: uint64(1), to: uint64(2), reason: int32(3) });
const Clock = message({ wallMs: int64(1), bootMs: int64(2), offsetMs: int64(4) });
const Backlog = message({ records: uint64(1), bytes: uint64(2), oldestMs: int64(3) });
export const TargetBatch = message({
  labels: many(1, Label),
  table: bytes(2),
  times: bytes(3),
  columns: bytes(4),
  report: bytes(5),
  mask: bytes(6),
  labelsHash: bytes(7),
  inline: bytes(8),
  exemplars: bytes(9),
  histograms: bytes(10),
  metadata: bytes(11),
});
export const PushRequest = message({
  format: uint32(1),
  logId: bytes(2),
  stream: uint32(3),
  base: uint64(4),
  baseChain: bytes(5),
  to: uint64(6),
  chain: bytes(7),
  gaps: many(8, Gap),
  clock: one(9, Clock),
  version: string(10),
  backlog: one(11, Backlog),
  baseMs: int64(12),
  externalLabels: many(13, Label),
  targets: many(14, TargetBatch),
});
const PushPoint = message({ position: uint64(1), chain: bytes(2) });
export const Mask = message({ targets: packedUint32(1), rows: bytes(2) });
export const PushAnswer = message({
  code: int32(1),
  logId: bytes(2),
  position: uint64(3),
  message: string(4),
  edgeMs: int64(5),
  unknownTables: repeatedBytes(6),
  stored: one(7, PushPoint),
  points: many(8, PushPoint),
  minPushIntervalMs: uint32(9),
  masks: many(10, Mask),
  configVersion: string(11),
  freshWindowMs: uint64(12),
});

export type Label = MessageOf<typeof Label>;
export type Gap = MessageOf<typeof Gap>;
export type TargetBatch = MessageOf<typeof TargetBatch>;
export type PushRequest = MessageOf<typeof PushRequest>;
export type PushPoint = MessageOf<typeof PushPoint>;
export type PushAnswer = MessageOf<typeof PushAnswer>;
