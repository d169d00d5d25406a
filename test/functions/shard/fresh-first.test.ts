import { describe, expect, it } from 'vitest';
import { decodeDeadLetter } from '../../../functions/dead-letter.ts';
import { Ledger } from '../../../functions/shard/ledger.ts';
import { push, sampleOf, TENANT } from '../../fakes/commit-requests.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

const LEFT = 'fresh samples go first, the backlog follows';
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** One lane towards a receiver with a window of 4 h; a POST takes 25 samples. */
const rigOf = (receiver = {}) =>
  new ShardRig({ window: 4 * HOUR, receiver: { kind: 'thanos', ...receiver }, shard: { lanes: 1 }, maxSamplesPerSend: 1 });

/** A device that pushes one sample at a time. */
class Device {
  readonly times: number[] = [];
  readonly #rig: ShardRig;
  readonly #name: string;

  constructor(rig: ShardRig, name: string) {
    this.#rig = rig;
    this.#name = name;
  }

  async push(): Promise<void> {
    const from = this.times.length;
    const ms = this.#rig.clock.now();
    this.times.push(ms);
    const result = this.#rig.core.commit(push({ device: this.#name, from, to: from + 1, fragments: [sampleOf(this.#name, ms, from)] }));
    await this.#rig.pass(100);
    expect(await result).toMatchObject({ kind: 'stored' });
  }

  async pushEach(ms: number, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.push();
      await this.#rig.pass(ms, 5_000);
    }
  }

  get arrived(): readonly number[] {
    return [...this.#rig.receiver.tenant(TENANT).series.values()]
      .filter(({ labels }) => labels.some(([, value]) => value === this.#name))
      .flatMap(({ samples }) => samples.map(({ ms }) => ms));
  }
}

const sorted = (times: readonly number[]): readonly number[] => [...times].sort((a, b) => a - b);
/** Takes the storage from the instance that runs: restart it. */
const behind = (rig: ShardRig) => new Ledger(rig.storage.open()).drains().get('main')?.get(0)?.behind ?? [];
const letters = async (rig: ShardRig) =>
  Promise.all((await rig.deadKeys()).map(async (key) => decodeDeadLetter((await rig.bucket.get(key)) ?? new Uint8Array()).header));

describe('a lane that has fallen behind', () => {
  it('goes on with what is fresh, and fills in the rest', async () => {
    const rig = rigOf();
    const device = new Device(rig, 'gw-1');
    rig.receiver.behave({ kind: 'down' });
    await device.pushEach(MINUTE, 90);
    rig.receiver.behave({ kind: 'ok' });
    await device.pushEach(10_000, 3);
    expect(sorted(device.arrived)).toEqual(device.times);
    expect(rig.logged).toContain(LEFT);
    expect(await rig.dataKeys()).toEqual([]);
    expect(behind(rig)).toEqual([]);
  });

  it('remembers over a restart what it left behind, at any moment', async () => {
    const left: number[] = [];
    for (let posts = 1; posts <= 5; posts++) {
      const rig = rigOf();
      const device = new Device(rig, 'gw-1');
      rig.receiver.behave({ kind: 'down' });
      await device.pushEach(MINUTE, 120);
      rig.receiver.behaveNext(...Array.from({ length: posts }, () => ({ kind: 'ok' }) as const));
      await device.pushEach(10_000, 3);
      left.push(...behind(rig).map(({ from }) => from.seq));
      rig.receiver.behave({ kind: 'ok' });
      rig.restart();
      await device.pushEach(10_000, 6);
      expect(sorted(device.arrived)).toEqual(device.times);
      expect(await rig.dataKeys()).toEqual([]);
      expect(behind(rig)).toEqual([]);
      expect(await rig.deadKeys()).toEqual([]);
    }
    // Not all at the same place.
    expect(new Set(left).size).toBeGreaterThan(1);
  });

  it('leaves several ranges behind where the receiver comes and goes, sixteen at most', async () => {
    const rig = rigOf();
    const device = new Device(rig, 'gw-1');
    for (let i = 0; i < 20; i++) {
      rig.receiver.behave({ kind: 'down' });
      await device.pushEach(100_000, 2);
      for (let j = 0; j < 30; j++) await device.push();
      rig.receiver.behaveNext({ kind: 'ok' });
      await rig.pass(10_000, 1_000);
    }
    expect(rig.logged.filter((message) => message === LEFT).length).toBeGreaterThan(2);
    const left = behind(rig).length;
    expect(left).toBeGreaterThan(1);
    expect(left).toBeLessThanOrEqual(16);
    rig.restart();
    rig.receiver.behave({ kind: 'ok' });
    await device.pushEach(10_000, 6);
    expect(sorted(device.arrived)).toEqual(device.times);
    expect(await rig.dataKeys()).toEqual([]);
    expect(behind(rig)).toEqual([]);
  });

  it('does not keep a poisonous end of the backlog for ever', async () => {
    const rig = rigOf({ refuses: (labels: readonly (readonly [string, string])[]) => labels.some(([, value]) => value === 'bad') });
    const good = new Device(rig, 'good');
    const bad = new Device(rig, 'bad');
    rig.receiver.behave({ kind: 'down' });
    await good.pushEach(MINUTE, 50);
    for (let i = 0; i < 30; i++) await bad.push();
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(40_000, 1_000);
    await good.pushEach(10_000, 3);
    await rig.pass(70_000, 1_000);
    expect(sorted(good.arrived)).toEqual(good.times);
    expect(
      (await letters(rig)).filter(({ devices }) => devices.includes('bad')).reduce((sum, { samples }) => sum + samples, 0),
    ).toBeGreaterThanOrEqual(30);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('stays in order where the receiver has no window', async () => {
    const rig = new ShardRig({ receiver: { kind: 'thanos' }, maxSamplesPerSend: 1 });
    const device = new Device(rig, 'gw-1');
    rig.receiver.behave({ kind: 'down' });
    await device.pushEach(MINUTE, 90);
    rig.receiver.behave({ kind: 'ok' });
    await device.pushEach(10_000, 3);
    expect(device.arrived).toEqual(device.times);
  });
});
