import { snappyConcat } from '../../contract/snappy.ts';
import type { RefusedPart, RefusedReason, VerdictCause } from '../model.ts';

export type RefusedBlock = Omit<RefusedPart, 'reason' | 'status' | 'words'>;

/** Different words kept of all refusals of one reason, and their length together. */
const MAX_WORDS = 8;
const MAX_WORDS_LENGTH = 2048;

/** Collects what is refused of one POST; in the end one block for each reason, so that dead letters are few. */
export class RefusedParts {
  readonly #byReason = new Map<RefusedReason, { status: number; words: Set<string>; blocks: RefusedBlock[] }>();

  add(reason: RefusedReason, cause: VerdictCause, block: RefusedBlock): void {
    let known = this.#byReason.get(reason);
    if (known === undefined) {
      known = { status: cause.status, words: new Set(), blocks: [] };
      this.#byReason.set(reason, known);
    }
    if (known.words.size < MAX_WORDS) known.words.add(cause.words);
    known.blocks.push(block);
  }

  has(...reasons: readonly RefusedReason[]): boolean {
    return reasons.some((reason) => this.#byReason.has(reason));
  }

  join(): readonly RefusedPart[] {
    return [...this.#byReason].map(([reason, { status, words, blocks }]) => ({
      reason,
      status,
      words: [...words].join('\n').slice(0, MAX_WORDS_LENGTH),
      block: blocks.length === 1 ? (blocks[0] as RefusedBlock).block : snappyConcat(blocks.map(({ block }) => block)),
      fragments: [...new Set(blocks.flatMap(({ fragments }) => fragments))].sort((a, b) => a - b),
      samples: blocks.reduce((sum, { samples }) => sum + samples, 0),
      minMs: Math.min(...blocks.map(({ minMs }) => minMs)),
      maxMs: Math.max(...blocks.map(({ maxMs }) => maxMs)),
    }));
  }
}
