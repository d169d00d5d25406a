import { describe, expect, it } from 'vitest';
import { defaultSim, type SimOptions } from './options.ts';
import { simulateReconnect } from './reconnect.ts';

const small: SimOptions = { ...defaultSim, devices: 300, series: 20, shards: 2, outageMs: 1_800_000 };

describe('a fleet that comes back after an outage', () => {
  it('is heard within the longest backoff, and all of its backlog arrives in order', async () => {
    const result = await simulateReconnect(small);
    expect(result.allHeardMs).toBeLessThanOrEqual(61_000);
    expect(result.recoveredMs).toBeLessThanOrEqual(330_000);
    expect(result.refusals).toEqual({});
    expect(result.disorder).toBe(0);
    expect(result.delivered).toBe(result.acknowledged);
    // Half an hour and more of 300 devices at 20 series each 15 s.
    expect(result.delivered).toBeGreaterThan(300 * 20 * 120);
  });

  it('is the same for the same seed', async () => {
    const few = { ...small, devices: 40 };
    const [one, two, other] = [await simulateReconnect(few), await simulateReconnect(few), await simulateReconnect({ ...few, seed: 2 })];
    expect(two).toEqual(one);
    expect(other.moments).not.toEqual(one.moments);
  });

  it('is refused where a shard is overloaded, and still nothing is lost or disordered', async () => {
    // 5 pushes a second in quiet times, a thread that does 5.3, and after a short outage all come back within a minute.
    const result = await simulateReconnect({ ...small, shards: 1, serviceMs: 190, overloadMs: 1_000, outageMs: 60_000 });
    expect(result.refusals['overloaded']).toBeGreaterThan(100);
    expect(result.recoveredMs).toBeLessThan(300_000);
    expect(result.disorder).toBe(0);
    expect(result.delivered).toBe(result.acknowledged);
  });

  it('waits for a receiver without an out-of-order window, that takes one request after the other', async () => {
    // 300 x 20 series / 15 s = 400 samples/s live; one lane at 10,000 samples per 13 s brings 770/s.
    const slow = { ...small, windowMs: 0, receiverSamplesPerSecond: 800 };
    const result = await simulateReconnect(slow);
    const most = Math.max(...result.moments.map(({ atEdge }) => atEdge));
    expect(most).toBeGreaterThan(100_000);
    expect(result.recoveredMs).toBeGreaterThan(600_000);
    expect(result.disorder).toBe(0);
    expect(result.delivered).toBe(result.acknowledged);
  });
});
