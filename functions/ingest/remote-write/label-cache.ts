import { ByteLru } from '../byte-lru.ts';
import type { DropReason } from '../labels.ts';

/** What rules make of a series. */
export interface MadeLabels {
  /** The label fields that go out, or why none do. */
  readonly series: Uint8Array | DropReason;
  /** Of the fields. */
  readonly hash: number;
  /** A rule had changed the identity label. */
  readonly restored: boolean;
}

/** Estimate for an entry beside its texts. */
const ENTRY_BYTES = 200;
/** A series with more label bytes is made anew each time. */
const MAX_KEY = 4096;
/** One character a byte. Different bytes give different texts. */
const decoder = new TextDecoder('latin1');

/**
 * What rules make of the series of standard senders, who send all labels with each sample: by the bytes of the labels, so that they
 * are neither decoded nor put through the rules again. Holds what fits, for one configuration; what has not come for longest goes first.
 */
export class LabelCache {
  readonly #made: ByteLru<MadeLabels>;

  constructor(limitBytes: number) {
    this.#made = new ByteLru(limitBytes);
  }

  get(key: string): MadeLabels | undefined {
    return this.#made.get(key);
  }

  set(key: string, made: MadeLabels): void {
    if (key.length > MAX_KEY) return;
    const bytes = typeof made.series === 'string' ? 0 : made.series.length;
    this.#made.set(key, made, ENTRY_BYTES + 2 * key.length + bytes);
  }
}

/** Names a series of a sender: the rules are its tenant's, and may read its name. */
export const labelKey = (tenant: string, device: string, fields: Uint8Array): string => `${tenant}/${device}/${decoder.decode(fields)}`;

/** Where the label fields at `from` end, and what is none begins; -1: they cannot be passed over. */
export function endOfLabels(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] === 0x0a) {
    const first = bytes[at + 1] ?? 0;
    const second = bytes[at + 2] ?? 0;
    if (first >= 0x80 && second >= 0x80) return -1;
    at += first < 0x80 ? 2 + first : 3 + (first & 0x7f) + (second << 7);
  }
  return at <= to ? at : -1;
}

/** The time of the one sample that `[from, to)` is, ms: `0x12 length [0x09 value] 0x10 time`; -1: it is more, or something else. */
export function timeOfSample(bytes: Uint8Array, from: number, to: number): number {
  const length = bytes[from + 1] ?? 0;
  if (bytes[from] !== 0x12 || length >= 0x80 || from + 2 + length !== to) return -1;
  let at = from + 2;
  if (bytes[at] === 0x09) at += 9;
  if (at >= to || bytes[at++] !== 0x10 || at === to || to - at > 7) return -1;
  let ms = 0;
  for (let scale = 1; at < to; at++, scale *= 0x80) {
    const byte = bytes[at] as number;
    if (byte < 0x80 !== (at === to - 1)) return -1;
    ms += (byte & 0x7f) * scale;
  }
  return ms;
}
