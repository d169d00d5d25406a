import { describe, expect, it } from 'vitest';
import { agreedTime, ReceiverTime } from '../../../functions/ingest/receiver-time.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);

describe('agreedTime', () => {
  const cases: readonly [name: string, own: number, receiver: number | undefined, device: number, want: number | undefined][] = [
    ['the edge’s own, while nobody knows better', T, undefined, 0, T],
    ['the edge’s own, where the receiver agrees', T, T + 300_000, T + 300_000, T],
    ['the receiver’s, where the device agrees with that', T - HOUR, T, T + 120_000, T],
    ['the edge’s own, where the device agrees with that', T, T - HOUR, T - 120_000, T],
    ['nobody’s, where the device agrees with neither', T - HOUR, T, T + 120_001, undefined],
    ['nobody’s for a device between them', T, T + 300_001, T + 150_000, undefined],
  ];
  it.each(cases)('%s', (_name, own, receiver, device, want) => {
    expect(agreedTime(own, receiver, device)).toBe(want);
  });
});

describe('ReceiverTime', () => {
  it('asks once, and again when what it knows is old', async () => {
    const time = new ReceiverTime();
    let now = T;
    let asked = 0;
    const find = () =>
      time.find(
        () => now,
        async () => {
          asked++;
          return now + HOUR;
        },
      );
    expect(await find()).toBe(T + HOUR);
    expect(time.disputed).toBe(true);
    now += 599_999;
    expect(await find()).toBe(now + HOUR);
    expect(asked).toBe(1);
    now++;
    await find();
    expect(asked).toBe(2);
    now -= 7 * HOUR;
    await find();
    expect(asked).toBe(3);
  });

  it('asks again soon where the shard did not know, and keeps what another shard said', async () => {
    const time = new ReceiverTime();
    const unknown = async () => undefined;
    expect(await time.find(() => T, unknown)).toBeUndefined();
    expect(
      await time.find(
        () => T + 9_999,
        async () => T,
      ),
    ).toBeUndefined();
    expect(
      await time.find(
        () => T + 10_000,
        async () => T + 10_005,
      ),
    ).toBe(T + 10_005);
    time.learn(undefined, T + 10_001);
    expect(await time.find(() => T + 10_002, unknown)).toBe(T + 10_007);
    time.learn(T + 11_000, T + 11_000);
    expect(time.disputed).toBe(false);
  });
});
