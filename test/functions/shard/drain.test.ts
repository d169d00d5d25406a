import { describe, expect, it } from 'vitest';
import { decodeDeadLetter } from '../../../functions/dead-letter.ts';
import { decodeSeries } from '../../../functions/forward/split.ts';
import type { Fragment } from '../../../functions/model.ts';
import { fragment, push, sampleOf, TENANT } from '../../fakes/commit-requests.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

/** Pushes fragments of one device as one batch after the other, and waits for each acknowledgement. */
class Sender {
  readonly #rig: ShardRig;
  readonly #device: string;
  #position = 0;

  constructor(rig: ShardRig, device: string) {
    this.#rig = rig;
    this.#device = device;
  }

  async send(...fragments: readonly Fragment[]): Promise<void> {
    const from = this.#position++;
    const result = this.#rig.core.commit(push({ device: this.#device, from, to: from + 1, fragments }));
    await this.#rig.clock.advance(100);
    expect(await result).toEqual({ kind: 'stored', repeated: false });
  }
}

const timesOf = (rig: ShardRig, device: string): readonly number[] =>
  [...rig.receiver.tenant(TENANT).series.values()]
    .filter(({ labels }) => labels.some(([, value]) => value === device))
    .flatMap(({ samples }) => samples.map(({ ms }) => ms));

async function deadLetters(rig: ShardRig) {
  const letters = [];
  for (const key of await rig.deadKeys()) {
    const bytes = await rig.bucket.get(key);
    letters.push(decodeDeadLetter(bytes ?? new Uint8Array()));
  }
  return letters;
}

describe('drain', () => {
  it('forwards what is committed, in order, and deletes it', async () => {
    const rig = new ShardRig();
    const sender = new Sender(rig, 'gw-1');
    const t = rig.clock.now();
    for (let i = 0; i < 5; i++) await sender.send(sampleOf('gw-1', t + i, i));
    await rig.pass(500);
    expect(timesOf(rig, 'gw-1')).toEqual([0, 1, 2, 3, 4].map((i) => t + i));
    expect(await rig.dataKeys()).toEqual([]);
    expect(rig.value('relay_buffer_bytes')).toBe(0);
    expect(rig.value('relay_forwarded_samples_total')).toBe(5);
    expect(rig.store.gets).toBe(0);
    expect(rig.receiver.silentlyDropped).toBe(0);
  });

  it('keeps the tenant apart by its header', async () => {
    const rig = new ShardRig();
    await new Sender(rig, 'gw-1').send(sampleOf('gw-1', rig.clock.now(), 1));
    await rig.pass(200);
    expect(rig.receiver.tenants).toEqual([TENANT]);
  });

  it('joins what has piled up into few POSTs, and takes it from the bucket by ranges', async () => {
    const rig = new ShardRig({ budgetBytes: 12_000 });
    rig.receiver.behave({ kind: 'down' });
    const sender = new Sender(rig, 'gw-1');
    const t = rig.clock.now();
    for (let i = 0; i < 120; i++) await sender.send(sampleOf('gw-1', t + i, i));
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(10_000);
    expect(timesOf(rig, 'gw-1')).toHaveLength(120);
    expect(rig.store.gets).toBeGreaterThan(0);
    // The first POST was tried before the rest was there, and holds what it held.
    expect(rig.receiver.requests.length).toBeLessThanOrEqual(4);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('keeps a POST within the receiver’s limits', async () => {
    const rig = new ShardRig({ maxSamplesPerSend: 2 });
    rig.receiver.behave({ kind: 'down' });
    const sender = new Sender(rig, 'gw-1');
    const t = rig.clock.now();
    await sender.send(...Array.from({ length: 120 }, (_, i) => sampleOf('gw-1', t + i, i)));
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(6_000);
    expect(rig.receiver.requests.map(({ samples }) => samples)).toEqual([50, 50, 20]);
  });

  it('waits longer and longer while the receiver is down, wakes by its alarm, and loses nothing', async () => {
    const rig = new ShardRig();
    rig.receiver.behave({ kind: 'status', status: 503, headers: { 'retry-after': '2' } });
    const sender = new Sender(rig, 'gw-1');
    const t = rig.clock.now();
    for (let i = 0; i < 10; i++) await sender.send(sampleOf('gw-1', t + i, i));
    await rig.pass(60_000);
    expect(rig.receiver.requests.length).toBeGreaterThan(10);
    expect(rig.receiver.requests.length).toBeLessThanOrEqual(31);
    expect(rig.value('relay_lanes_in_trouble{kind="retrying"}')).toBe(1);
    expect(rig.value('relay_buffer_oldest_age_seconds')).toBeGreaterThan(50);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(6_000);
    expect(timesOf(rig, 'gw-1')).toHaveLength(10);
    expect(rig.value('relay_lanes_in_trouble{kind="retrying"}')).toBe(0);
  });

  it.each([401, 403, 404, 302])('keeps everything on %i, tries once a minute, and says so', async (status) => {
    const rig = new ShardRig();
    rig.receiver.behave({ kind: 'status', status });
    const sender = new Sender(rig, 'gw-1');
    for (let i = 0; i < 3; i++) await sender.send(sampleOf('gw-1', rig.clock.now(), i));
    await rig.pass(300_000, 1000);
    expect(rig.receiver.requests.length).toBeLessThanOrEqual(7);
    expect(rig.value('relay_lanes_in_trouble{kind="stopped"}')).toBe(1);
    expect(rig.logged).toContain('the receiver takes nothing; data are kept');
    expect(await rig.dataKeys()).toHaveLength(3);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(70_000, 1000);
    expect(timesOf(rig, 'gw-1')).toHaveLength(3);
  });

  it('goes on after a restart without a word from anybody but the alarm', async () => {
    const rig = new ShardRig();
    rig.receiver.behave({ kind: 'down' });
    const sender = new Sender(rig, 'gw-1');
    const t = rig.clock.now();
    for (let i = 0; i < 4; i++) await sender.send(sampleOf('gw-1', t + i, i));
    expect(rig.alarmMs).toBeDefined();
    rig.receiver.behave({ kind: 'ok' });
    rig.restart();
    await rig.pass(35_000);
    expect(timesOf(rig, 'gw-1')).toEqual([t, t + 1, t + 2, t + 3]);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('a commit is acknowledged while a POST hangs', async () => {
    const rig = new ShardRig();
    rig.receiver.behave({ kind: 'hang' });
    const sender = new Sender(rig, 'gw-1');
    for (let i = 0; i < 5; i++) await sender.send(sampleOf('gw-1', rig.clock.now(), i));
    expect(rig.receiver.requests).toEqual([]);
  });

  it('drains devices of different lanes in parallel where the receiver has a window', async () => {
    const rig = new ShardRig({ window: 7_200_000, receiver: { kind: 'thanos' } });
    const devices = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    rig.receiver.behaveNext({ kind: 'hang' });
    const t = rig.clock.now();
    const results = devices.map((device) => rig.core.commit(push({ device, from: 0, to: 1, fragments: [sampleOf(device, t, 1)] })));
    await rig.pass(1000);
    await Promise.all(results);
    const delivered = devices.filter((device) => timesOf(rig, device).length > 0);
    expect(delivered.length).toBeGreaterThan(0);
    expect(delivered.length).toBeLessThan(devices.length);
    await rig.pass(40_000);
    expect(devices.every((device) => timesOf(rig, device).length === 1)).toBe(true);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('changes its lanes only when nothing is stored', async () => {
    const rig = new ShardRig({ window: 7_200_000, receiver: { kind: 'thanos' } });
    const devices = ['a', 'b', 'c', 'd', 'e', 'f'];
    const senders = devices.map((device) => new Sender(rig, device));
    const t = rig.clock.now();
    for (const [i, sender] of senders.entries()) await sender.send(sampleOf(devices[i] as string, t, 1));
    await rig.pass(1000);
    rig.receiver.behave({ kind: 'down' });
    for (const [i, sender] of senders.entries()) await sender.send(sampleOf(devices[i] as string, t + 1, 1));
    rig.restart({ shard: { lanes: 2 } });
    for (const [i, sender] of senders.entries()) await sender.send(sampleOf(devices[i] as string, t + 2, 1));
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(40_000);
    for (const [i, sender] of senders.entries()) await sender.send(sampleOf(devices[i] as string, t + 3, 1));
    await rig.pass(1000);
    for (const device of devices) expect(timesOf(rig, device)).toEqual([t, t + 1, t + 2, t + 3]);
    expect(rig.value('relay_forwarded_samples_total')).toBe(24);
    expect(await rig.dataKeys()).toEqual([]);
    rig.restart();
    await rig.pass(1000);
    expect(rig.receiver.requests.every(({ status }) => status === 200)).toBe(true);
  });
});

describe('what the receiver refuses', () => {
  const refuses = { refuses: (labels: readonly (readonly [string, string])[]) => labels.some(([, value]) => value === 'bad') };

  it('becomes a dead letter, and the rest goes on', async () => {
    const rig = new ShardRig({ receiver: refuses });
    const t = rig.clock.now();
    const good = new Sender(rig, 'good');
    const bad = new Sender(rig, 'bad');
    await good.send(sampleOf('good', t, 1));
    await bad.send(sampleOf('bad', t, 2));
    await good.send(sampleOf('good', t + 1, 3));
    await rig.pass(1000);
    expect(timesOf(rig, 'good')).toEqual([t, t + 1]);
    const [letter, ...others] = await deadLetters(rig);
    expect(others).toEqual([]);
    expect(letter?.header).toMatchObject({
      reason: 'refused',
      status: 400,
      tenant: TENANT,
      devices: ['bad'],
      samples: 1,
      minMs: t,
      maxMs: t,
    });
    expect(decodeSeries(letter?.block ?? new Uint8Array(), 1000)).toHaveLength(1);
    expect(rig.value('relay_dead_letters_total{reason="refused"}')).toBe(1);
    expect(rig.value('relay_dead_letter_samples_total{reason="refused"}')).toBe(1);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('is held, not buried, before anything passes; then it is known to be the data', async () => {
    const rig = new ShardRig({ receiver: refuses });
    const t = rig.clock.now();
    const bad = new Sender(rig, 'bad');
    for (let i = 0; i < 3; i++) await bad.send(sampleOf('bad', t + i, i));
    await rig.pass(1000);
    expect(await rig.deadKeys()).toEqual([]);
    expect(await rig.dataKeys()).toHaveLength(3);
    expect(rig.value('relay_lanes_in_trouble{kind="refused"}')).toBe(1);
    await new Sender(rig, 'good').send(sampleOf('good', t + 5, 1));
    await rig.pass(1000);
    expect((await deadLetters(rig)).reduce((sum, { header }) => sum + header.samples, 0)).toBe(3);
    expect(timesOf(rig, 'good')).toEqual([t + 5]);
    expect(await rig.dataKeys()).toEqual([]);
    expect(rig.value('relay_lanes_in_trouble{kind="refused"}')).toBe(0);
  });

  it('is all kept when the receiver is wrongly set up, and all delivered when that is repaired', async () => {
    const rig = new ShardRig();
    rig.receiver.behave({ kind: 'status', status: 400, words: 'no such tenant' });
    const t = rig.clock.now();
    const sender = new Sender(rig, 'gw-1');
    for (let i = 0; i < 60; i++) await sender.send(sampleOf('gw-1', t + i, i));
    // A few fragments a minute are tried, each with its search; after that only the first and one other are asked for again.
    const tried = rig.receiver.requests.length;
    await rig.pass(600_000, 1000);
    expect(rig.receiver.requests.length - tried).toBeLessThan(120);
    const held = rig.receiver.requests.length;
    await rig.pass(600_000, 1000);
    expect(rig.receiver.requests.length - held).toBeLessThan(25);
    expect(await rig.deadKeys()).toEqual([]);
    expect(await rig.dataKeys()).toHaveLength(60);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(130_000, 1000);
    expect(timesOf(rig, 'gw-1')).toEqual(Array.from({ length: 60 }, (_, i) => t + i));
    expect(await rig.deadKeys()).toEqual([]);
  });

  it('does not stop others for long, however much of it comes', async () => {
    const rig = new ShardRig({ receiver: refuses });
    const t = rig.clock.now();
    const bad = new Sender(rig, 'bad');
    const good = new Sender(rig, 'good');
    for (let i = 0; i < 60; i++) await bad.send(sampleOf('bad', t + i, i));
    for (let i = 0; i < 10; i++) await good.send(sampleOf('good', t + i, i));
    await rig.pass(3_600_000, 1000);
    expect(timesOf(rig, 'good')).toHaveLength(10);
    expect((await deadLetters(rig)).reduce((sum, { header }) => sum + header.samples, 0)).toBe(60);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('waits while the store cannot take the dead letter', async () => {
    const rig = new ShardRig({ receiver: refuses });
    const t = rig.clock.now();
    rig.store.createFault = (key) => (key.startsWith('v1/dead/') ? 'fails' : undefined);
    await new Sender(rig, 'bad').send(sampleOf('bad', t, 1), sampleOf('good', t, 1));
    await rig.pass(5_000);
    expect(await rig.dataKeys()).toHaveLength(1);
    rig.store.createFault = () => undefined;
    await rig.pass(10_000);
    expect(await rig.deadKeys()).toHaveLength(1);
    expect(rig.value('relay_dead_letters_total{reason="refused"}')).toBe(1);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('of Thanos is kept as it was sent, once', async () => {
    const rig = new ShardRig({ receiver: { kind: 'thanos', ...refuses } });
    const t = rig.clock.now();
    await new Sender(rig, 'gw-1').send(sampleOf('good', t, 1), sampleOf('bad', t, 2));
    await rig.pass(1000);
    expect(timesOf(rig, 'good')).toEqual([t]);
    // Its pieces show that the receiver works; the whole is not sent again.
    expect(rig.receiver.requests.filter(({ samples }) => samples === 2)).toHaveLength(1);
    expect((await deadLetters(rig)).map(({ header }) => [header.reason, header.samples])).toEqual([['partly_refused', 2]]);
  });

  it('after an hour of retention is deleted, with a count', async () => {
    const rig = new ShardRig({ receiver: refuses, shard: { deadLetterRetentionMs: 3_600_000 } });
    const t = rig.clock.now();
    await new Sender(rig, 'gw-1').send(sampleOf('good', t, 1), sampleOf('bad', t, 2));
    await rig.pass(1000);
    await rig.core.poke();
    expect(await rig.deadKeys()).toHaveLength(1);
    await rig.pass(3_700_000, 60_000);
    await rig.core.poke();
    expect(await rig.deadKeys()).toEqual([]);
    expect(rig.value('relay_dead_letters_deleted_total')).toBe(1);
  });
});

describe('a POST whose answer is lost', () => {
  const scrapes = (t: number, from: number, to: number): Fragment =>
    fragment(
      ...['x', 'y', 'z'].map((name) => ({
        labels: { __name__: name, device: 'gw-1' },
        samples: Array.from({ length: to - from }, (_, i) => [t + from + i, from + i] as const),
      })),
    );

  it.each(['prometheus', 'thanos'] as const)('is found to be a repeat by %s: nothing lost, nothing stuck', async (kind) => {
    const rig = new ShardRig({ receiver: { kind } });
    const t = rig.clock.now();
    const sender = new Sender(rig, 'gw-1');
    rig.receiver.behaveNext({ kind: 'store_then_close' });
    await sender.send(scrapes(t, 0, 4));
    await sender.send(scrapes(t, 4, 8));
    await rig.pass(10_000);
    for (const { samples } of rig.receiver.tenant(TENANT).series.values()) {
      expect(samples.map(({ ms }) => ms - t)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
    expect((await deadLetters(rig)).map(({ header }) => [header.reason, header.samples])).toEqual([['repeat_refused', 12]]);
    expect(rig.value('relay_dead_letters_total{reason="repeat_refused"}')).toBe(1);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('because the edge died is found to be a repeat too', async () => {
    const rig = new ShardRig();
    const t = rig.clock.now();
    const sender = new Sender(rig, 'gw-1');
    rig.receiver.behaveNext({ kind: 'store_then_close' }, { kind: 'hang' });
    await sender.send(scrapes(t, 0, 4));
    await sender.send(scrapes(t, 4, 8));
    rig.restart();
    await rig.pass(40_000);
    for (const { samples } of rig.receiver.tenant(TENANT).series.values()) {
      expect(samples.map(({ ms }) => ms - t)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
    expect((await deadLetters(rig)).map(({ header }) => header.reason)).toEqual(['repeat_refused']);
  });
});

describe('an object that cannot be read', () => {
  it('holds the lane while nothing can be read, and is given up when others can', async () => {
    const rig = new ShardRig({ budgetBytes: 300 });
    rig.receiver.behave({ kind: 'down' });
    const t = rig.clock.now();
    const sender = new Sender(rig, 'gw-1');
    for (let i = 0; i < 8; i++) await sender.send(sampleOf('gw-1', t + i, i));
    rig.restart();
    const keys = await rig.dataKeys();
    await rig.bucket.delete([keys[2] as string]);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(600_000, 1000);
    expect(timesOf(rig, 'gw-1')).toEqual([0, 1, 3, 4, 5, 6, 7].map((i) => t + i));
    expect(rig.value('relay_lost_samples_total')).toBe(1);
    expect(rig.logged).toContain('stored data cannot be read and are given up');
  });

  it('is waited for when the bucket is not the right one', async () => {
    const rig = new ShardRig();
    rig.receiver.behave({ kind: 'down' });
    const t = rig.clock.now();
    const sender = new Sender(rig, 'gw-1');
    for (let i = 0; i < 3; i++) await sender.send(sampleOf('gw-1', t + i, i));
    const keys = await rig.dataKeys();
    const bodies = await Promise.all(keys.map((key) => rig.bucket.get(key)));
    rig.restart();
    await rig.bucket.delete(keys);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(1_200_000, 1000);
    expect(rig.value('relay_lanes_in_trouble{kind="stopped"}')).toBe(1);
    expect(rig.value('relay_lost_samples_total')).toBe(0);
    for (const [i, key] of keys.entries()) await rig.bucket.create(key, bodies[i] ?? new Uint8Array());
    await rig.pass(70_000, 1000);
    expect(timesOf(rig, 'gw-1')).toEqual([t, t + 1, t + 2]);
  });

  it('with other bytes than were written is not sent', async () => {
    const rig = new ShardRig();
    rig.receiver.behave({ kind: 'down' });
    const t = rig.clock.now();
    const sender = new Sender(rig, 'gw-1');
    for (let i = 0; i < 3; i++) await sender.send(sampleOf('gw-1', t + i, i));
    const [key] = (await rig.dataKeys()) as [string];
    const body = (await rig.bucket.get(key)) ?? new Uint8Array();
    body[body.length - 3] = (body[body.length - 3] ?? 0) ^ 1;
    await rig.bucket.delete([key]);
    await rig.clock.advance(2000);
    await rig.bucket.create(key, body);
    rig.restart();
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(600_000, 1000);
    expect(timesOf(rig, 'gw-1')).toEqual([t + 1, t + 2]);
    expect(rig.value('relay_lost_samples_total')).toBe(1);
  });
});

it('a store that fails now and then delays, and loses nothing', async () => {
  const rig = new ShardRig({ budgetBytes: 2000 });
  rig.store.fails = () => rig.clock.random() < 0.3;
  rig.receiver.behave({ kind: 'down' });
  const sender = new Sender(rig, 'gw-1');
  const t = rig.clock.now();
  for (let i = 0; i < 50; i++) await sender.send(sampleOf('gw-1', t + i, i));
  rig.receiver.behave({ kind: 'ok' });
  await rig.pass(60_000);
  expect(timesOf(rig, 'gw-1')).toEqual(Array.from({ length: 50 }, (_, i) => t + i));
  rig.store.fails = () => false;
  await new Sender(rig, 'gw-2').send(sampleOf('gw-2', t, 0));
  await rig.pass(1000);
  expect(await rig.dataKeys()).toEqual([]);
});
