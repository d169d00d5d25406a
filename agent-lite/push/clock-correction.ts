import { isTime } from '../../contract/columns.ts';
import type { Clock } from '../model.ts';

/**
 * Which time the samples of a scrape get. Devices start in 1970 or last week, are set right in mid-boot, or never. Clamping
 * and measuring anew with each push make times repeat or run backwards, so a boot gets ONE correction: its samples' times
 * are the boot clock plus an offset that is fixed once. Where the wall clock proves right it is believed as it is.
 *
 * Memory: the verdicts of the last {@link BOOTS_KEPT} boots, kept in the store, so that scrapes of an earlier boot which
 * met the edge can be placed too. Scrapes of a boot that cannot be placed are set aside, never guessed.
 */
export interface ClockStore {
  load(): Promise<string | undefined>;
  save(text: string): Promise<void>;
}

/** When a request left and when its answer came, and the edge's time in it. All ms. */
export interface Exchange {
  readonly sentBootMs: number;
  readonly receivedBootMs: number;
  readonly receivedWallMs: number;
  readonly edgeMs: number;
}

export interface BootVerdict {
  /** `wall`: the wall clock is believed. `offset`: it is not. */
  readonly mode: 'wall' | 'offset';
  /** Boot clock plus this is the true time, ms. Fixed in mode `offset`; follows the wall clock in mode `wall`. */
  readonly anchorMs: number;
}

export type Placement = { readonly ok: true; readonly ms: number } | { readonly ok: false; readonly reason: string };

/** A wall clock that is off by less is believed: NTP steps and slow networks make differences of seconds. */
export const TOLERANCE_MS = 60_000;
/** No version of this program is older, so no scrape can be. */
export const BUILD_MS = Date.UTC(2025, 0, 1);
const BOOTS_KEPT = 32;
/** Moves of the anchor in mode `wall` below this are not worth a write to flash. */
const ANCHOR_SAVED_MS = 10_000;

type Moment = { readonly wallMs: number; readonly bootMs: number; readonly bootId: string };

export class ClockCorrection {
  readonly #clock: Clock;
  readonly #store: ClockStore;
  readonly #buildMs: number;
  /** By boot id, the oldest first. */
  readonly #boots: Map<string, BootVerdict>;
  #savedAnchorMs: number | undefined;
  #offsetMs: number | undefined;

  private constructor(clock: Clock, store: ClockStore, boots: Map<string, BootVerdict>, buildMs: number) {
    this.#clock = clock;
    this.#store = store;
    this.#boots = boots;
    this.#buildMs = buildMs;
    this.#savedAnchorMs = boots.get(clock.bootId)?.anchorMs;
  }

  /** A store that cannot be read, or holds something else, is as good as an empty one: the edge is asked again. */
  static async load(clock: Clock, store: ClockStore, buildMs = BUILD_MS): Promise<ClockCorrection> {
    const text = await store.load().catch(() => undefined);
    return new ClockCorrection(clock, store, parse(text ?? ''), buildMs);
  }

  /** The verdict on this boot; undefined until the edge's time is known, and then nothing but an empty push may leave. */
  get verdict(): BootVerdict | undefined {
    return this.#boots.get(this.#clock.bootId);
  }

  /** The true time as far as it is known, ms; undefined until the edge's time is. */
  get nowMs(): number | undefined {
    const { verdict } = this;
    return verdict === undefined ? undefined : this.#clock.boot() + verdict.anchorMs;
  }

  /** What is added to the times of scrapes made now; 0 where the wall clock is believed. */
  get appliedMs(): number {
    const { verdict } = this;
    return verdict?.mode === 'offset' ? Math.round(this.#clock.boot() + verdict.anchorMs - this.#clock.now()) : 0;
  }

  /** The edge's time minus the wall clock at the last exchange of this process, ms; 0 where it is less than the exchange took. */
  get offsetMs(): number | undefined {
    return this.#offsetMs;
  }

  /** Takes in the edge's time. Returns true where the verdict on this boot has changed. */
  async learn(exchange: Exchange): Promise<boolean> {
    return this.#learn(exchange, this.verdict);
  }

  /** As {@link learn}, after the edge refused times as too far ahead: a fixed offset is then fixed anew. */
  async relearn(exchange: Exchange): Promise<boolean> {
    return this.#learn(exchange, undefined);
  }

  async #learn({ sentBootMs, receivedBootMs, receivedWallMs, edgeMs }: Exchange, before: BootVerdict | undefined): Promise<boolean> {
    const roundTrip = receivedBootMs - sentBootMs;
    // The answer was written somewhere between; the middle is off by half a round trip at most.
    const edgeNow = edgeMs + roundTrip / 2;
    const skew = edgeNow - receivedWallMs;
    // The edge may have written its time anywhere between (a push waits for its commit), so less than that says nothing.
    this.#offsetMs = Math.abs(skew) <= roundTrip ? 0 : Math.round(skew);
    if (before?.mode === 'offset') return false;
    const isWrong = (offMs: number): boolean => Math.abs(offMs) > TOLERANCE_MS && Math.abs(offMs) > 2 * roundTrip;
    // A wall clock that was right until it stepped tells more exactly than an exchange what time it is.
    const believedMs =
      before === undefined || isWrong(edgeNow - receivedBootMs - before.anchorMs) ? edgeNow - receivedBootMs : before.anchorMs;
    const verdict: BootVerdict = isWrong(skew)
      ? { mode: 'offset', anchorMs: Math.round(believedMs) }
      : { mode: 'wall', anchorMs: Math.round(receivedWallMs - receivedBootMs) };
    const present = this.verdict;
    this.#boots.delete(this.#clock.bootId);
    this.#boots.set(this.#clock.bootId, verdict);
    for (const oldest of this.#boots.keys()) {
      if (this.#boots.size <= BOOTS_KEPT) break;
      this.#boots.delete(oldest);
    }
    const changed = present?.mode !== verdict.mode || (verdict.mode === 'offset' && present.anchorMs !== verdict.anchorMs);
    if (changed || this.#savedAnchorMs === undefined || Math.abs(this.#savedAnchorMs - verdict.anchorMs) > ANCHOR_SAVED_MS) {
      this.#savedAnchorMs = verdict.anchorMs;
      await this.#store.save(JSON.stringify({ version: 1, boots: [...this.#boots].map(([id, boot]) => [id, boot.mode, boot.anchorMs]) }));
    }
    return changed;
  }

  /** The time of a scrape, ms. Only asked once {@link verdict} is known. */
  place(scrape: Moment): Placement {
    const boot = this.#boots.get(scrape.bootId);
    if (boot !== undefined) {
      const byBoot = Math.round(scrape.bootMs + boot.anchorMs);
      // In a boot whose wall clock is right by now, earlier scrapes may be from before it was set.
      const believed = boot.mode === 'wall' && Math.abs(scrape.wallMs - byBoot) <= TOLERANCE_MS;
      return { ok: true, ms: believed ? Math.round(scrape.wallMs) : byBoot };
    }
    const now = this.#clock.boot() + (this.verdict?.anchorMs ?? 0);
    if (scrape.wallMs >= this.#buildMs && scrape.wallMs <= now + TOLERANCE_MS) return { ok: true, ms: Math.round(scrape.wallMs) };
    const when = isTime(Math.round(scrape.wallMs)) ? new Date(scrape.wallMs).toISOString() : scrape.wallMs;
    return { ok: false, reason: `made at ${when} by the clock of an earlier boot that never reached the edge` };
  }
}

function parse(text: string): Map<string, BootVerdict> {
  const boots = new Map<string, BootVerdict>();
  try {
    const saved: unknown = JSON.parse(text);
    if (typeof saved !== 'object' || saved === null || !('version' in saved) || saved.version !== 1) return boots;
    if (!('boots' in saved) || !Array.isArray(saved.boots)) return boots;
    for (const entry of saved.boots as readonly unknown[]) {
      if (!Array.isArray(entry)) continue;
      const [id, mode, anchorMs] = entry as readonly unknown[];
      if (typeof id === 'string' && (mode === 'wall' || mode === 'offset') && Number.isSafeInteger(anchorMs))
        boots.set(id, { mode, anchorMs: anchorMs as number });
    }
  } catch {
    // Not JSON: see load().
  }
  return boots;
}
