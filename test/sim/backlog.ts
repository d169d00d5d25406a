import type { Fragment } from '../../functions/model.ts';
import { plain } from '../fakes/commit-requests.ts';
import { SimClock } from './clock.ts';
import { SimShard } from './edge.ts';
import type { SimOptions } from './options.ts';

export interface LoadOptions {
  readonly samplesPerSecond: number;
  /** Of one push. */
  readonly pushSamples: number;
  /** How long the receiver is down, ms. */
  readonly outageMs: number;
}
export interface BacklogResult {
  /** What was stored when the receiver came back. */
  readonly backlogSamples: number;
  /** From the first sample delivered then until only live data are on their way, ms. */
  readonly drainMs: number;
  /** Delivered in that time, the live samples among them. */
  readonly samplesPerSecond: number;
  readonly lost: number;
  /** Most that was held at a time, bytes. */
  readonly peakBytes: number;
  readonly posts: number;
  /** Pushes that were told to come again. */
  readonly refused: number;
}

const START = 1_700_000_000_000;
const BLOCK = new Uint8Array(1 << 20);
const DEVICES = 3000;
/** Live data are on their way for a commit and a POST or two, ms. */
const LIVE_MS = 3_000;

/** One shard under steady load whose receiver goes away and comes back: how fast it drains while live data keep coming. */
export async function simulateBacklog(
  options: SimOptions,
  { samplesPerSecond, pushSamples, outageMs }: LoadOptions,
): Promise<BacklogResult> {
  const clock = new SimClock(START, options.seed);
  const backAt = START + outageMs;
  let delivered = 0;
  let firstMs: number | undefined;
  let peakBytes = 0;
  const shard = new SimShard(0, clock, options, (fragments) => {
    if (clock.now() >= backAt) firstMs ??= clock.now();
    for (const { samples } of fragments) delivered += samples;
  });
  shard.receiverDown = true;
  let stored = 0;
  let refused = 0;
  let over = false;
  const fragment = (): Fragment => ({
    block: BLOCK.subarray(0, Math.ceil(pushSamples * options.blockBytesPerSample)),
    rawBytes: Math.ceil(pushSamples * options.rawBytesPerSample),
    samples: pushSamples,
    series: pushSamples,
    minMs: clock.now(),
    maxMs: clock.now(),
  });
  const load = async (): Promise<void> => {
    for (let i = 0; !over; i++) {
      await clock.sleep((1000 * pushSamples) / samplesPerSecond);
      void shard.commit(plain(`device-${i % DEVICES}`, fragment())).then(({ kind }) => {
        if (kind === 'stored') stored += pushSamples;
        else refused++;
      });
      peakBytes = Math.max(peakBytes, shard.budget.used);
    }
  };
  void load();
  await clock.runUntil(backAt);
  shard.receiverDown = false;
  const backlogSamples = stored;
  while (stored - delivered > (samplesPerSecond * LIVE_MS) / 1000 && clock.now() < backAt + options.limitMs)
    await clock.runUntil(clock.now() + 100);
  const drainMs = clock.now() - (firstMs ?? backAt);
  const rate = delivered / (drainMs / 1000);
  over = true;
  await clock.runUntil(clock.now() + 60_000);
  return { backlogSamples, drainMs, samplesPerSecond: rate, lost: stored - delivered, peakBytes, posts: shard.operations.posts, refused };
}
