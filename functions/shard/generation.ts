import type { Clock, DevicePositions, DrainState, HandOverRequest } from '../model.ts';
import { type Peer, takeOver } from './inherit.ts';
import { parseShardName, type ShardName } from './keys.ts';
import type { Ledger } from './ledger.ts';

/** Between two questions to predecessors whether they are drained, ms. */
export const ASK_AGAIN_MS = 2_000;

export interface GenerationOptions {
  readonly name: ShardName;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Names of all shards of the tenant that are registered, of any generation; this one among them. */
  readonly registered: () => Promise<readonly string[]>;
  /** Shards that this one's generation has. */
  readonly shards: () => Promise<number>;
  readonly peer: (name: string) => Peer;
  /** Stores positions of devices, and what `also` writes, in one transaction. */
  readonly adopt: (devices: readonly DevicePositions[], also: () => void) => void;
  /** Resolves when no batch is under way. */
  readonly settled: () => Promise<void>;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/**
 * A shard's place among the generations of its tenant: it opens by closing those before it and taking over their devices, it
 * sends nothing before they have sent all they hold, and one day it is closed itself. Survives the instance in the ledger's meta.
 */
export class Generation {
  readonly #options: GenerationOptions;
  #open: boolean;
  #opening: Promise<void> | undefined;
  /** In memory at once; see {@link #durablyClosedBy}. */
  #closedBy: number | undefined;
  #durablyClosedBy: number | undefined;
  /** Predecessor -> receivers that it still has something for; undefined: not known, perhaps all. */
  readonly #before: Map<string, readonly string[] | undefined>;
  #asking: Promise<void> | undefined;
  #askAgainMs = 0;

  constructor(options: GenerationOptions) {
    this.#options = options;
    const { ledger } = options;
    this.#open = ledger.meta('opened') !== undefined;
    const closedBy = ledger.meta('closed_by');
    this.#closedBy = closedBy === undefined ? undefined : Number(closedBy);
    this.#durablyClosedBy = this.#closedBy;
    const before = JSON.parse(ledger.meta('drain_after') ?? '[]') as readonly string[];
    this.#before = new Map(before.map((name) => [name, undefined]));
  }

  /** The generation that has taken over; undefined: none, commits are taken. */
  get closedBy(): number | undefined {
    return this.#closedBy;
  }

  /** False: {@link open} first. */
  get isOpen(): boolean {
    return this.#open || this.#closedBy !== undefined;
  }

  /** Shards that must be drained before this one sends everything it has. */
  get waitsFor(): number {
    return this.#before.size;
  }

  /** When {@link ask} has something to do, ms. */
  get askAgainMs(): number {
    return this.#askAgainMs;
  }

  /**
   * Before the first commit. Closes all shards of earlier generations and takes over their devices; where there is a later one,
   * this one is closed instead, from its birth. This shard has been registered before, and those others too before their first
   * commit; each side lists afterwards, so at least one of two sees the other. Rejects where the store or a predecessor does: ask
   * again.
   */
  open(): Promise<void> {
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openNow(): Promise<void> {
    const { name, registered, ledger, peer, adopt, shards, log } = this.#options;
    const others = (await registered()).map(parseShardName).filter((other) => other !== undefined && other.tenant === name.tenant);
    const newest = others.reduce((most, other) => Math.max(most, other?.generation ?? 0), 0);
    if (newest > name.generation) {
      await this.#close(newest);
      return;
    }
    const earlier = others.filter((other): other is ShardName => other !== undefined && other.generation < name.generation);
    const request = { generation: name.generation, shards: earlier.length === 0 ? 1 : await shards(), index: name.index };
    const { devices, names } = await takeOver(earlier, request, peer);
    // Before the commit that waits for this: what it stores must not be drained.
    for (const one of names) this.#before.set(one, undefined);
    adopt(devices, () => {
      ledger.setMeta('drain_after', JSON.stringify(names));
      ledger.setMeta('opened', '1');
    });
    await ledger.sync();
    this.#open = true;
    if (names.length > 0) log('has taken over from earlier generations', { shards: names.length, devices: devices.length });
  }

  /** A newer generation takes over: nobody's push is taken from here on. Resolves when that is durable and nothing is under way. */
  async close({ generation }: HandOverRequest): Promise<void> {
    const { name, settled } = this.#options;
    if (generation <= name.generation) {
      throw new Error(`hand-over: expected a generation above ${name.generation}, got ${generation}`);
    }
    this.#closedBy = Math.max(generation, this.#closedBy ?? 0);
    await settled();
    await this.#close(generation);
  }

  async #close(generation: number): Promise<void> {
    const { ledger } = this.#options;
    const closedBy = Math.max(generation, this.#closedBy ?? 0);
    // Also where it is known already: in an instance that has been replaced this throws, and its positions are not told to anybody.
    ledger.setMeta('closed_by', String(closedBy));
    await ledger.sync();
    this.#closedBy = Math.max(closedBy, this.#closedBy ?? 0);
    this.#durablyClosedBy = closedBy;
  }

  state(backlog: readonly string[]): DrainState {
    return { closed: this.#durablyClosedBy !== undefined, backlog };
  }

  /** Whether what is stored for a receiver may be sent: no shard of an earlier generation has anything for it. */
  maySend(receiver: string): boolean {
    for (const backlog of this.#before.values()) if (backlog === undefined || backlog.includes(receiver)) return false;
    return true;
  }

  /** Asks those that are waited for how far they are, every {@link ASK_AGAIN_MS} at most. Rejects with LedgerError only. */
  ask(): Promise<void> {
    if (this.#before.size === 0 || this.#options.clock.now() < this.#askAgainMs) return this.#asking ?? Promise.resolve();
    this.#asking ??= this.#askNow().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askNow(): Promise<void> {
    const { clock, peer, ledger, log } = this.#options;
    this.#askAgainMs = clock.now() + ASK_AGAIN_MS;
    const waited = this.#before.size;
    await Promise.all(
      [...this.#before.keys()].map(async (name) => {
        try {
          const { closed, backlog } = await peer(name).drained();
          if (!closed) return;
          // A closed shard stores nothing more: what it has sent once it will never have again.
          if (backlog.length === 0) this.#before.delete(name);
          else this.#before.set(name, backlog);
        } catch (error) {
          log('an earlier shard did not tell whether it is drained', { earlier: name, error: String(error) });
        }
      }),
    );
    this.#askAgainMs = clock.now() + ASK_AGAIN_MS;
    if (this.#before.size === waited) return;
    ledger.setMeta('drain_after', JSON.stringify([...this.#before.keys()]));
  }
}
