import { describe, expect, it } from 'vitest';
import type { OutgoingFragment } from '../../functions/model.ts';
import { plain } from '../fakes/commit-requests.ts';
import { SimClock } from './clock.ts';
import { SimShard } from './edge.ts';
import { defaultSim, type SimOptions } from './options.ts';

const START = 1_700_000_000_000;
const HOUR = 3_600_000;
const BLOCK = new Uint8Array(1 << 20);

/** A shard under load whose receiver is away for a while: what arrived when. */
class Outage {
  readonly clock: SimClock;
  readonly shard: SimShard;
  readonly devices: readonly string[];
  /** By device: times of its samples in the order in which they arrived. */
  readonly arrived = new Map<string, number[]>();
  /** By device: times stored. */
  readonly stored = new Map<string, number[]>();
  readonly #options: SimOptions;
  #over = false;

  constructor(options: Partial<SimOptions>, devices: number) {
    this.#options = { ...defaultSim, shards: 1, ...options };
    this.clock = new SimClock(START, this.#options.seed);
    this.devices = Array.from({ length: devices }, (_, i) => `device-${i}`);
    this.shard = new SimShard(0, this.clock, this.#options, (fragments) => {
      for (const fragment of fragments as readonly (OutgoingFragment & { readonly device: string })[]) {
        this.#note(this.arrived, fragment.device, fragment.minMs);
      }
    });
    for (const [i, device] of this.devices.entries()) void this.#load(device, i / devices);
  }

  /** One push each quarter of a minute. */
  async #load(device: string, phase: number): Promise<void> {
    await this.clock.sleep(phase * 15_000);
    while (!this.#over) {
      const ms = this.clock.now();
      const samples = 600;
      const block = BLOCK.subarray(0, Math.ceil(samples * this.#options.blockBytesPerSample));
      const fragment = { block, rawBytes: samples * this.#options.rawBytesPerSample, samples, series: samples, minMs: ms, maxMs: ms };
      void this.shard.commit(plain(device, fragment)).then(({ kind }) => {
        if (kind === 'stored') this.#note(this.stored, device, ms);
      });
      await this.clock.sleep(15_000);
    }
  }

  #note(into: Map<string, number[]>, device: string, ms: number): void {
    const times = into.get(device) ?? [];
    into.set(device, times);
    times.push(ms);
  }

  /** Of the device that is the furthest behind, ms. */
  get newestAgeMs(): number {
    return Math.max(...this.devices.map((device) => this.clock.now() - Math.max(...(this.arrived.get(device)?.slice(-100) ?? [START]))));
  }

  get oldestAtEdgeMs(): number {
    const { values } = this.shard.core.metrics();
    return Math.max(
      0,
      ...Object.entries(values).flatMap(([name, value]) => (name.startsWith('relay_buffer_oldest_age_seconds') ? [value * 1000] : [])),
    );
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.clock.runUntil(this.clock.now() + 120_000);
  }
}

const sorted = (times: Iterable<number>): readonly number[] => [...times].sort((a, b) => a - b);

describe('a receiver with a window of 4 h, after two hours away', () => {
  it.each([1, 4])('has samples of less than a minute within two, and the whole backlog behind them: %i lanes', async (lanes) => {
    const outage = new Outage({ windowMs: 4 * HOUR, lanes, receiverMs: 200, receiverSamplesPerSecond: 4_000 }, 20);
    await outage.clock.runUntil(START + 60_000);
    outage.shard.receiverDown = true;
    await outage.clock.runUntil(START + 60_000 + 2 * HOUR);
    outage.shard.receiverDown = false;
    const backAt = outage.clock.now();
    await outage.clock.runUntil(backAt + 120_000);
    expect(outage.newestAgeMs).toBeLessThan(60_000);
    // The receiver takes 4,000 samples/s of each lane: the backlog is not there yet.
    expect(outage.oldestAtEdgeMs).toBeGreaterThan(HOUR);
    let worst = 0;
    while (outage.oldestAtEdgeMs > 60_000 && outage.clock.now() < backAt + 4 * HOUR) {
      await outage.clock.runUntil(outage.clock.now() + 30_000);
      worst = Math.max(worst, outage.newestAgeMs);
    }
    expect(outage.oldestAtEdgeMs).toBeLessThan(60_000);
    expect(worst).toBeLessThan(60_000);
    await outage.end();
    for (const device of outage.devices) {
      expect(sorted(outage.arrived.get(device) ?? [])).toEqual(outage.stored.get(device));
    }
    expect(outage.oldestAtEdgeMs).toBe(0);
  });
});

describe('a receiver without a window, after two hours away', () => {
  it('gets everything in order', async () => {
    const outage = new Outage({ windowMs: 0, lanes: 1 }, 10);
    outage.shard.receiverDown = true;
    await outage.clock.runUntil(START + 2 * HOUR);
    outage.shard.receiverDown = false;
    await outage.clock.runUntil(outage.clock.now() + 600_000);
    await outage.end();
    for (const device of outage.devices) expect(outage.arrived.get(device)).toEqual(outage.stored.get(device));
  });
});

describe('a receiver whose window is too short for the backlog', () => {
  it('gets it in order until the rest fits, then fresh samples first', async () => {
    const outage = new Outage({ windowMs: 2 * HOUR, lanes: 1, receiverSamplesPerSecond: 4_000 }, 10);
    outage.shard.receiverDown = true;
    await outage.clock.runUntil(START + 2 * HOUR);
    outage.shard.receiverDown = false;
    await outage.clock.runUntil(outage.clock.now() + 2 * HOUR);
    await outage.end();
    for (const device of outage.devices) {
      const arrived = outage.arrived.get(device) ?? [];
      expect(sorted(arrived)).toEqual(outage.stored.get(device));
      let newest = 0;
      const jump = arrived.findIndex((ms) => {
        const late = ms < newest;
        newest = Math.max(newest, ms);
        return late;
      });
      // In order up to there; what comes out of order then is never older than the window allows.
      expect(jump).toBeGreaterThan(0);
      expect(arrived[jump]).toBeGreaterThan(START + 10 * 60_000);
    }
  });
});
