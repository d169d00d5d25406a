import { nextChain } from '../../contract/chain.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { encodeMetadata } from '../../contract/metadata-codec.ts';
import { NO_CHAIN } from '../../contract/push.ts';

/**
 * A target's metadata are sent when they change, after a start of the agent, and again after this time (boot clock): what
 * the receiver remembers of them may be gone. Prometheus sends all of them every minute.
 */
export const RESEND_METADATA_MS = 12 * 3_600_000;
/** Targets remembered; of more, the one not sent for longest is forgotten, and its metadata are sent once more. */
const TARGETS_KEPT = 10_000;

/** What one push carries of a target's metadata. */
export interface MetadataDue {
  readonly families: readonly FamilyMetadata[];
  /** Names the content. */
  readonly key: string;
  /** Encoded, before compression. */
  readonly bytes: number;
}

/** The metadata that the edge has acknowledged of each target. Lives with the process. */
export class SentMetadata {
  readonly #targets = new Map<string, { readonly key: string; readonly atMs: number }>();
  /** Scrapes share the array as long as nothing changes, so this is reckoned once. */
  readonly #known = new WeakMap<readonly FamilyMetadata[], MetadataDue>();

  /** Undefined where the edge has them. `nowMs`: boot clock. */
  due(targetKey: string, families: readonly FamilyMetadata[], nowMs: number): MetadataDue | undefined {
    if (families.length === 0) return undefined;
    const due = this.#describe(families);
    const sent = this.#targets.get(targetKey);
    return sent?.key === due.key && nowMs - sent.atMs < RESEND_METADATA_MS ? undefined : due;
  }

  /** Whether the edge has heard any of this target. */
  knows(targetKey: string): boolean {
    return this.#targets.has(targetKey);
  }

  /** @param sent by target: {@link MetadataDue.key} */
  set(sent: ReadonlyMap<string, string>, nowMs: number): void {
    for (const [target, key] of sent) {
      this.#targets.delete(target);
      this.#targets.set(target, { key, atMs: nowMs });
    }
    for (const oldest of this.#targets.keys()) {
      if (this.#targets.size <= TARGETS_KEPT) break;
      this.#targets.delete(oldest);
    }
  }

  #describe(families: readonly FamilyMetadata[]): MetadataDue {
    let due = this.#known.get(families);
    if (due === undefined) {
      const bytes = encodeMetadata(families);
      due = { families, key: nextChain(NO_CHAIN, bytes), bytes: bytes.length };
      this.#known.set(families, due);
    }
    return due;
  }
}
