import { deadPrefix } from '../dead-letter.ts';

/** Keys of the objects a shard writes; functions/shard/SCHEMA.md describes them. */

/** A shard's place: one Durable Object, one prefix in the bucket. */
export interface ShardName {
  readonly tenant: string;
  readonly generation: number;
  readonly index: number;
}

const NAME = /^([A-Za-z0-9_-]{1,64})\/(0|[1-9][0-9]{0,8})\/(0|[1-9][0-9]{0,8})$/;

/** `tenant/generation/index`, the name of the Durable Object. */
export const formatShardName = (name: ShardName): string => `${name.tenant}/${name.generation}/${name.index}`;

/** Undefined where the text is no shard's name. A tenant has no slash, so no tenant can reach into another's keys. */
export function parseShardName(text: string): ShardName | undefined {
  const parts = NAME.exec(text);
  if (parts === null) return undefined;
  const [, tenant, generation, index] = parts as unknown as [string, string, string, string];
  return { tenant, generation: Number(generation), index: Number(index) };
}

/** Digits that keep byte order and number order the same for a thousand years of commits. */
const EPOCH_DIGITS = 8;
const SEQ_DIGITS = 12;
const MS_DIGITS = 15;

const padded = (value: number, digits: number): string => value.toString().padStart(digits, '0');

export const dataPrefix = (name: ShardName): string => `v1/data/${formatShardName(name)}/`;

export const dataKey = (name: ShardName, epoch: number, seq: number): string =>
  `${dataPrefix(name)}${padded(epoch, EPOCH_DIGITS)}/${padded(seq, SEQ_DIGITS)}`;

/** Epoch and sequence of a data key under `prefix`, or undefined where it is none. */
export function parseDataKey(key: string, prefix: string): { readonly epoch: number; readonly seq: number } | undefined {
  const rest = key.slice(prefix.length);
  if (!key.startsWith(prefix) || !/^[0-9]{8}\/[0-9]{12}$/.test(rest)) return undefined;
  return { epoch: Number(rest.slice(0, EPOCH_DIGITS)), seq: Number(rest.slice(EPOCH_DIGITS + 1)) };
}

/** Time first, so that retention reads the oldest from a listing's start. */
export const deadKey = (name: ShardName, atMs: number, seq: number, n: number): string =>
  `${deadPrefix(name.tenant)}${padded(atMs, MS_DIGITS)}-${name.generation}.${name.index}-${padded(seq, SEQ_DIGITS)}-${n}`;

/** All dead letters written before `ms` have keys that sort before this one. */
export const deadKeyBound = (tenant: string, ms: number): string =>
  `${deadPrefix(tenant)}${padded(Math.max(0, Math.floor(ms)), MS_DIGITS)}`;
