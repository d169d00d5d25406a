import { describe, expect, it } from 'vitest';
import type { ReceiverKind } from '../../../functions/config/types.ts';
import { decodeDeadLetter } from '../../../functions/dead-letter.ts';
import type { Fragment } from '../../../functions/model.ts';
import { fragment, push, sampleOf, TENANT } from '../../fakes/commit-requests.ts';
import type { Behaviour } from '../../fakes/in-memory-receiver.ts';
import { type RigOptions, ShardRig } from '../../fakes/shard-rig.ts';

/** Each row of the table in functions/forward/verdict.ts, by a shard that drains to a receiver of each kind. */

const KINDS: readonly ReceiverKind[] = ['thanos', 'prometheus', 'mimir', 'victoriametrics'];
const HOUR = 3_600_000;

async function store(rig: ShardRig, device: string, from: number, fragments: readonly Fragment[], tenant = TENANT): Promise<void> {
  const result = rig.core.commit({ ...push({ device, from, to: from + 1, fragments }), tenant });
  await rig.clock.advance(100);
  expect(await result).toMatchObject({ kind: 'stored' });
}

/** `count` commits of one sample each. */
async function storeMany(rig: ShardRig, device: string, count: number, tenant = TENANT): Promise<readonly number[]> {
  const t = rig.clock.now();
  for (let i = 0; i < count; i++) await store(rig, device, i, [sampleOf(device, t + i, i)], tenant);
  return Array.from({ length: count }, (_, i) => t + i);
}

const timesOf = (rig: ShardRig, device: string, tenant = TENANT): readonly number[] =>
  [...rig.receiver.tenant(tenant).series.values()]
    .filter(({ labels }) => labels.some(([, value]) => value === device))
    .flatMap(({ samples }) => samples.map(({ ms }) => ms));

const letters = async (rig: ShardRig) =>
  Promise.all((await rig.deadKeys()).map(async (key) => decodeDeadLetter((await rig.bucket.get(key)) ?? new Uint8Array()).header));

describe.each(KINDS)('towards %s', (kind) => {
  const rigOf = (options: RigOptions['receiver'] = {}) => new ShardRig({ receiver: { kind, ...options } });
  const refusesBad: RigOptions['receiver'] = { refuses: (labels) => labels.some(([, value]) => value === 'bad') };

  it('one poisonous fragment among others never blocks the lane, and all others arrive', async () => {
    const rig = rigOf(refusesBad);
    rig.receiver.behave({ kind: 'down' });
    const good = await storeMany(rig, 'good', 10);
    const poison = fragment(
      { labels: { __name__: 'm', device: 'bad' }, samples: [[rig.clock.now(), 1]] },
      { labels: { __name__: 'm', device: 'beside' }, samples: [[rig.clock.now(), 1]] },
    );
    await store(rig, 'mixed', 0, [poison]);
    const after = await storeMany(rig, 'after', 10);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(60_000);
    expect(timesOf(rig, 'good')).toEqual(good);
    expect(timesOf(rig, 'beside')).toHaveLength(1);
    expect(timesOf(rig, 'after')).toEqual(after);
    expect(await rig.dataKeys()).toEqual([]);
    expect((await letters(rig)).flatMap(({ devices }) => devices)).toContain('mixed');
    expect(rig.receiver.silentlyDropped).toBe(0);
  });

  it('samples that come too late are kept as dead letters, and what follows arrives', async () => {
    const rig = rigOf();
    const t = rig.clock.now();
    await store(rig, 'gw-1', 0, [sampleOf('gw-1', t, 1)]);
    await rig.pass(500);
    await store(rig, 'gw-1', 1, [sampleOf('gw-1', t - 2 * HOUR, 2)]);
    await store(rig, 'gw-1', 2, [sampleOf('gw-1', t + 1, 3)]);
    await rig.pass(60_000);
    const takesAll = kind === 'victoriametrics';
    expect(timesOf(rig, 'gw-1')).toEqual(takesAll ? [t, t - 2 * HOUR, t + 1] : [t, t + 1]);
    expect((await letters(rig)).filter(({ minMs }) => minMs === t - 2 * HOUR)).toHaveLength(takesAll ? 0 : 1);
    expect(await rig.dataKeys()).toEqual([]);
  });

  const wrong: readonly [status: number, words: string][] = [
    [400, 'no such tenant'],
    [400, ''],
    [400, 'out of order sample'],
    [400, 'out of bounds'],
    [400, 'send data to ingesters: the label is bad (err-mimir-label-invalid)'],
    [400, 'per-user series limit of 150000 exceeded (err-mimir-max-series-per-user)'],
    [409, ''],
    [409, 'no such tenant'],
    [409, 'add 1 samples: out of bounds'],
    [409, 'add 1 samples: out of order sample'],
    [409, 'add 1 samples: duplicate sample for timestamp'],
    [413, 'request entity too large'],
    [422, ''],
    [422, 'unprocessable'],
    [401, 'who are you'],
    [403, 'not you'],
    [404, '404 page not found'],
    [405, 'method not allowed'],
    [415, 'unsupported media type'],
    [301, ''],
    [418, 'unforeseen'],
  ];
  it.each(wrong)('%i to everything (%s): all is kept, and nothing becomes a dead letter', async (status, words) => {
    const rig = rigOf();
    rig.receiver.behave({ kind: 'status', status, words });
    const times = await storeMany(rig, 'gw-1', 40);
    await rig.pass(HOUR, 5_000);
    expect(await rig.deadKeys()).toEqual([]);
    expect(await rig.dataKeys()).toHaveLength(40);
    // An hour of it is no load either: a few searches, then once a minute.
    expect(rig.receiver.requests.length).toBeLessThan(300);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(180_000, 1_000);
    expect(timesOf(rig, 'gw-1')).toEqual(times);
    expect(await rig.deadKeys()).toEqual([]);
    expect(await rig.dataKeys()).toEqual([]);
  });

  const alternating: readonly [status: number, words: string][] = [
    [400, 'being set up'],
    [409, 'being set up'],
    [422, 'being set up'],
  ];
  it.each(alternating)(
    '%i to everything for a while, behind a fragment that is poisonous: all others arrive, in order',
    async (status, words) => {
      const rig = rigOf(refusesBad);
      rig.receiver.behave({ kind: 'status', status, words });
      const t = rig.clock.now();
      await store(rig, 'bad', 0, [sampleOf('bad', t, 0)]);
      await rig.pass(1_000);
      for (let i = 1; i < 6; i++) {
        await store(rig, 'gw-1', i - 1, [sampleOf('gw-1', t + i, i)]);
        await rig.pass(1_000);
      }
      rig.receiver.behave({ kind: 'ok' });
      await rig.pass(180_000, 1_000);
      expect(timesOf(rig, 'gw-1')).toEqual([1, 2, 3, 4, 5].map((i) => t + i));
      const [letter, ...more] = await letters(rig);
      expect(more).toEqual([]);
      // Thanos and Mimir keep the good part of a POST, and do not say which that is.
      if (kind === 'prometheus' || kind === 'victoriametrics') expect(letter).toMatchObject({ devices: ['bad'], samples: 1 });
      else expect(letter).toMatchObject({ reason: 'partly_refused', devices: expect.arrayContaining(['bad']) });
      expect(await rig.dataKeys()).toEqual([]);
      expect(rig.value('relay_lanes_in_trouble{kind="refused"}')).toBe(0);
    },
  );

  it('a device of which everything is refused does not hold up another, however it goes on', async () => {
    const rig = rigOf(refusesBad);
    const t = rig.clock.now();
    for (let i = 0; i < 30; i++) {
      await store(rig, 'bad', i, [sampleOf('bad', t + i, i)]);
      await store(rig, 'good', i, [sampleOf('good', t + i, i)]);
      await rig.pass(2_000);
      expect(timesOf(rig, 'good')).toHaveLength(i + 1);
    }
    await rig.pass(120_000, 1_000);
    expect(
      (await letters(rig)).reduce((sum, { samples, devices }) => sum + (devices.includes('bad') ? samples : 0), 0),
    ).toBeGreaterThanOrEqual(30);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('a POST of many fragments, of which one is poisonous, is searched with few requests', async () => {
    const rig = rigOf(refusesBad);
    rig.receiver.behave({ kind: 'down' });
    const t = rig.clock.now();
    await store(rig, 'gw-0', 0, [sampleOf('gw-0', t, 0)]);
    const devices = Array.from({ length: 60 }, (_, i) => (i === 31 ? 'bad' : `gw-${i + 1}`));
    const results = devices.map((device) => rig.core.commit(push({ device, from: 0, to: 1, fragments: [sampleOf(device, t, 1)] })));
    await rig.pass(1_000);
    await Promise.all(results);
    const before = rig.receiver.requests.length;
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(60_000);
    for (const device of devices.filter((name) => name !== 'bad')) expect(timesOf(rig, device)).toEqual([t]);
    expect(rig.receiver.requests.length - before).toBeLessThan(20);
    expect((await letters(rig)).flatMap((letter) => letter.devices)).toContain('bad');
    expect(await rig.dataKeys()).toEqual([]);
  });

  it.each([400, 409, 413, 422])('%i to everything for a moment, between good times: all arrives, in order', async (status) => {
    const rig = rigOf();
    const t = rig.clock.now();
    for (let i = 0; i < 12; i++) {
      rig.receiver.behave(i >= 4 && i < 8 ? { kind: 'status', status, words: 'being set up' } : { kind: 'ok' });
      await store(rig, 'gw-1', i, [sampleOf('gw-1', t + i, i)]);
      await rig.pass(1_000);
    }
    await rig.pass(120_000, 1_000);
    expect(timesOf(rig, 'gw-1')).toEqual(Array.from({ length: 12 }, (_, i) => t + i));
    expect(await rig.deadKeys()).toEqual([]);
    expect(await rig.dataKeys()).toEqual([]);
  });

  const passing: readonly [name: string, behaviour: Behaviour][] = [
    ['408', { kind: 'status', status: 408 }],
    ['425', { kind: 'status', status: 425 }],
    ['429 with Retry-After', { kind: 'status', status: 429, headers: { 'retry-after': '3' } }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503 }],
    ['no connection', { kind: 'down' }],
    ['a connection that is lost', { kind: 'close' }],
  ];
  it.each(passing)('%s is waited for: all arrives, nothing is refused', async (_name, behaviour) => {
    const rig = rigOf();
    rig.receiver.behave(behaviour);
    const times = await storeMany(rig, 'gw-1', 10);
    await rig.pass(30_000);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(10_000);
    expect(timesOf(rig, 'gw-1')).toEqual(times);
    expect(await rig.deadKeys()).toEqual([]);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('413 makes POSTs smaller until they fit', async () => {
    const rig = rigOf({ maxSamples: 3 });
    rig.receiver.behave({ kind: 'down' });
    const times = await storeMany(rig, 'gw-1', 20);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(30_000);
    expect(timesOf(rig, 'gw-1')).toEqual(times);
    expect(await rig.deadKeys()).toEqual([]);
  });

  const ofOthers: readonly [name: string, status: number][] = [
    ['refused', 400],
    ['unknown to the receiver', 401],
    ['over its limit', 429],
    ['broken', 500],
  ];
  it.each(ofOthers)('a tenant that is %s costs another nothing', async (_name, status) => {
    const rig = rigOf({ ofTenant: (tenant) => (tenant === 'other' ? { status, words: 'this tenant' } : undefined) });
    const other = new ShardRig({ receiver: { kind }, tenant: 'other', beside: rig });
    await storeMany(other, 'theirs', 30, 'other');
    const t = rig.clock.now();
    for (let i = 0; i < 10; i++) {
      await store(rig, 'ours', i, [sampleOf('ours', t + i, i)]);
      await other.pass(500);
      // At once, whatever the other's lane waits for.
      expect(timesOf(rig, 'ours')).toHaveLength(i + 1);
    }
    expect(await rig.deadKeys()).toEqual([]);
    expect(timesOf(rig, 'theirs', 'other')).toEqual([]);
    expect((await rig.dataKeys()).filter((key) => key.includes('other'))).toHaveLength(30);
  });
});

it('a 409 of Thanos that only names exemplars is a success', async () => {
  const rig = new ShardRig({ receiver: { kind: 'thanos' } });
  rig.receiver.behaveNext({ kind: 'status', status: 409, words: 'add 2 exemplars: out of order exemplar' });
  await store(rig, 'gw-1', 0, [sampleOf('gw-1', rig.clock.now(), 1)]);
  await rig.pass(1_000);
  expect(await rig.deadKeys()).toEqual([]);
  expect(await rig.dataKeys()).toEqual([]);
});
