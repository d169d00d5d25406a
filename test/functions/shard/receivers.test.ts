import { describe, expect, it } from 'vitest';
import { REMOTE_WRITE_HEADERS } from '../../../contract/remote-write.ts';
import { decodeDeadLetter } from '../../../functions/dead-letter.ts';
import { push, sampleOf, TENANT } from '../../fakes/commit-requests.ts';
import { type RigOptions, ShardRig } from '../../fakes/shard-rig.ts';

/** Pushes one sample after the other and waits for each acknowledgement. */
class Sender {
  readonly #rig: ShardRig;
  readonly #device: string;
  #position = 0;

  constructor(rig: ShardRig, device = 'gw-1') {
    this.#rig = rig;
    this.#device = device;
  }

  async send(...times: readonly number[]) {
    const from = this.#position;
    const fragments = times.map((ms) => sampleOf(this.#device, ms, 1));
    const result = this.#rig.core.commit(push({ device: this.#device, from, to: from + 1, fragments }));
    await this.#rig.clock.advance(100);
    const settled = await result;
    if (settled.kind === 'stored') this.#position++;
    return settled;
  }

  /** `count` samples, a millisecond between them, from `firstMs` on. */
  async sendAll(firstMs: number, count: number): Promise<readonly number[]> {
    const times = Array.from({ length: count }, (_, i) => firstMs + i);
    for (const ms of times) expect(await this.send(ms)).toMatchObject({ kind: 'stored' });
    return times;
  }
}

const timesOf = (rig: ShardRig, receiver: string): readonly number[] =>
  [...rig.receiverOf(receiver).tenant(TENANT).series.values()].flatMap(({ samples }) => samples.map(({ ms }) => ms));

const two: RigOptions['receivers'] = [{ name: 'main' }, { name: 'more' }];
const down = (rig: ShardRig, receiver: string) => rig.receiverOf(receiver).behave({ kind: 'down' });
const up = (rig: ShardRig, receiver: string) => rig.receiverOf(receiver).behave({ kind: 'ok' });
const dropped = (rig: ShardRig, receiver: string, reason: string) =>
  rig.value(`relay_dropped_samples_total{receiver="${receiver}",reason="${reason}"}`);

describe('a shard with several receivers', () => {
  it('stores one copy, sends it to each in order, and deletes it when the last has it', async () => {
    const rig = new ShardRig({ receivers: two });
    down(rig, 'more');
    const times = await new Sender(rig).sendAll(rig.clock.now(), 5);
    await rig.pass(1_000);
    expect(timesOf(rig, 'main')).toEqual(times);
    expect(await rig.dataKeys()).toHaveLength(5);
    expect(rig.value('relay_buffer_objects')).toBe(5);
    up(rig, 'more');
    await rig.pass(10_000);
    expect(timesOf(rig, 'more')).toEqual(times);
    expect(await rig.dataKeys()).toEqual([]);
    for (const receiver of ['main', 'more']) expect(rig.value(`relay_forwarded_samples_total{receiver="${receiver}"}`)).toBe(5);
  });

  it('goes on where each of them was after a restart in the middle', async () => {
    const rig = new ShardRig({ receivers: two });
    down(rig, 'more');
    const sender = new Sender(rig);
    const t = rig.clock.now();
    await sender.sendAll(t, 3);
    await rig.pass(500);
    const requests = rig.receiver.requests.length;
    rig.restart();
    up(rig, 'more');
    await rig.pass(10_000);
    await sender.sendAll(t + 3, 2);
    await rig.pass(1_000);
    const all = [0, 1, 2, 3, 4].map((i) => t + i);
    expect([timesOf(rig, 'main'), timesOf(rig, 'more')]).toEqual([all, all]);
    // What the one had is not sent to it again for the other's sake.
    expect(rig.receiver.requests.length).toBe(requests + 2);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('shows per receiver what is wrong and how far behind it is', async () => {
    const rig = new ShardRig({ receivers: two });
    rig.receiverOf('more').behave({ kind: 'status', status: 401 });
    await new Sender(rig).sendAll(rig.clock.now(), 2);
    await rig.pass(30_000, 1000);
    const of = (name: string, receiver: string) => rig.value(`${name}{receiver="${receiver}"}`);
    expect([of('relay_receiver_backlog_bytes', 'main'), of('relay_receiver_oldest_age_seconds', 'main')]).toEqual([0, 0]);
    expect(of('relay_receiver_backlog_bytes', 'more')).toBe(rig.value('relay_buffer_bytes'));
    expect(of('relay_receiver_oldest_age_seconds', 'more')).toBeGreaterThan(25);
    expect(rig.value('relay_lanes_in_trouble{receiver="more",kind="stopped"}')).toBe(1);
    expect(rig.value('relay_lanes_in_trouble{receiver="main",kind="stopped"}')).toBe(0);
    expect(rig.value('relay_forward_requests_total{receiver="main",code="204"}')).toBeGreaterThan(0);
    expect(rig.value('relay_forward_requests_total{receiver="more",code="401"}')).toBeGreaterThan(0);
  });

  it('makes a dead letter of what one of them refuses, in its name, and the other has it', async () => {
    const rig = new ShardRig({ receivers: two });
    const sender = new Sender(rig);
    const t = rig.clock.now();
    // It has a newer sample of the first device, by another way.
    const { block } = sampleOf('gw-1', t + 60_000, 1);
    const headers = { ...REMOTE_WRITE_HEADERS, 'user-agent': 'test', 'THANOS-TENANT': TENANT };
    const init = { method: 'POST', headers, body: new Uint8Array(block), redirect: 'manual' } as const;
    await rig.receiverOf('more').fetch('http://receiver.test/api/v1/write', { ...init, signal: new AbortController().signal });
    await sender.send(t);
    await new Sender(rig, 'gw-2').send(t);
    await rig.pass(120_000, 1000);
    expect(timesOf(rig, 'main')).toEqual([t, t]);
    expect(timesOf(rig, 'more')).toEqual([t + 60_000, t]);
    const [key = '', ...others] = await rig.deadKeys();
    const { header } = decodeDeadLetter((await rig.bucket.get(key)) ?? new Uint8Array());
    expect([header.receiver, header.devices, others]).toEqual(['more', ['gw-1'], []]);
    expect(rig.value('relay_dead_letters_total{receiver="more",reason="refused"}')).toBe(1);
    expect(rig.value('relay_dead_letters_total{receiver="main",reason="refused"}')).toBe(0);
  });

  it.each(['main', 'more'])('makes devices wait while the buffer is full because %s is down', async (name) => {
    const rig = new ShardRig({ receivers: two, shard: { maxBufferBytes: 4000 } });
    down(rig, name);
    const sender = new Sender(rig);
    const t = rig.clock.now();
    let stored = 0;
    let result = await sender.send(t);
    while (result.kind === 'stored' && stored < 100) result = await sender.send(t + ++stored);
    expect(result).toMatchObject({ kind: 'busy', reason: 'buffer' });
    expect(stored).toBeGreaterThan(3);
    up(rig, name);
    await rig.pass(10_000);
    expect(await sender.send(t + stored)).toMatchObject({ kind: 'stored' });
    await rig.pass(1_000);
    const all = Array.from({ length: stored + 1 }, (_, i) => t + i);
    expect([timesOf(rig, 'main'), timesOf(rig, 'more')]).toEqual([all, all]);
  });
});

describe('on_full: drop_oldest', () => {
  const bestEffort = (lanes: Partial<RigOptions> = {}): ShardRig =>
    new ShardRig({ receivers: [{ name: 'main' }, { name: 'more', onFull: 'drop_oldest' }], shard: { maxBufferBytes: 4000 }, ...lanes });

  it('loses the oldest samples, counted, and holds up nobody', async () => {
    const rig = bestEffort();
    down(rig, 'more');
    const times = await new Sender(rig).sendAll(rig.clock.now(), 60);
    await rig.pass(1_000);
    expect(timesOf(rig, 'main')).toEqual(times);
    expect(rig.value('relay_buffer_bytes')).toBeLessThanOrEqual(4000);
    up(rig, 'more');
    await rig.pass(10_000);
    const arrived = timesOf(rig, 'more');
    expect(arrived.length).toBeGreaterThan(3);
    expect(arrived).toEqual(times.slice(-arrived.length));
    expect(dropped(rig, 'more', 'buffer_full')).toBe(60 - arrived.length);
    expect(dropped(rig, 'main', 'buffer_full')).toBe(0);
    expect(await rig.dataKeys()).toEqual([]);
    expect(await rig.deadKeys()).toEqual([]);
  });

  it('is as it was after a restart', async () => {
    const rig = bestEffort();
    down(rig, 'more');
    const sender = new Sender(rig);
    const t = rig.clock.now();
    await sender.sendAll(t, 60);
    const before = dropped(rig, 'more', 'buffer_full');
    expect(before).toBeGreaterThan(0);
    rig.restart();
    expect(dropped(rig, 'more', 'buffer_full')).toBe(before);
    up(rig, 'more');
    await rig.pass(10_000);
    expect(timesOf(rig, 'more')).toHaveLength(60 - before);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('drops while a POST hangs, and what comes of that POST moves nothing back', async () => {
    const rig = bestEffort();
    rig.receiverOf('more').behave({ kind: 'hang' });
    const times = await new Sender(rig).sendAll(rig.clock.now(), 60);
    expect(dropped(rig, 'more', 'buffer_full')).toBeGreaterThan(0);
    up(rig, 'more');
    await rig.pass(60_000);
    const arrived = timesOf(rig, 'more');
    expect(arrived).toEqual(times.slice(-arrived.length));
    expect(dropped(rig, 'more', 'buffer_full')).toBe(60 - arrived.length);
    expect(timesOf(rig, 'main')).toEqual(times);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('is not set back by a POST that is answered after the jump', async () => {
    let sleep = async (_ms: number): Promise<void> => undefined;
    const rig = bestEffort({ receiver: { sleep: (ms) => sleep(ms) } });
    sleep = (ms) => rig.clock.sleep(ms);
    rig.receiverOf('more').behave({ kind: 'delay', ms: 5_500 });
    const t = rig.clock.now();
    const sender = new Sender(rig);
    const first = await sender.sendAll(t, 1);
    down(rig, 'more');
    const times = [...first, ...(await sender.sendAll(t + 1, 49))];
    const before = dropped(rig, 'more', 'buffer_full');
    expect(before).toBeGreaterThan(0);
    await rig.pass(1_000);
    // The first is answered now; a start from there would look for objects that are gone.
    rig.restart();
    up(rig, 'more');
    await rig.pass(60_000);
    expect(rig.value('relay_unreadable_objects_total{receiver="more"}')).toBe(0);
    expect(dropped(rig, 'more', 'buffer_full')).toBe(before);
    // What was under way counts as dropped and arrived all the same.
    expect(timesOf(rig, 'more')[0]).toBe(t);
    expect(timesOf(rig, 'more').slice(before - 50)).toEqual(times.slice(before - 50));
    expect(timesOf(rig, 'main')).toEqual(times);
    expect(await rig.dataKeys()).toEqual([]);
    expect(rig.value('relay_lost_samples_total{receiver="more"}')).toBe(0);
  });

  it('takes nothing from such a receiver while another one that blocks is slower', async () => {
    const rig = bestEffort();
    down(rig, 'main');
    const sender = new Sender(rig);
    const t = rig.clock.now();
    let stored = 0;
    while ((await sender.send(t + stored)).kind === 'stored') stored++;
    await rig.pass(5_000);
    expect(timesOf(rig, 'more')).toHaveLength(stored);
    expect(dropped(rig, 'more', 'buffer_full')).toBe(0);
  });

  it('never makes devices wait where it is all there is', async () => {
    const rig = new ShardRig({ receivers: [{ name: 'main', onFull: 'drop_oldest' }], shard: { maxBufferBytes: 4000 } });
    down(rig, 'main');
    const times = await new Sender(rig).sendAll(rig.clock.now(), 40);
    up(rig, 'main');
    await rig.pass(10_000);
    expect(timesOf(rig, 'main')).toEqual(times.slice(dropped(rig, 'main', 'buffer_full')));
  });

  it('drops of all lanes', async () => {
    const window = 7_200_000;
    const rig = bestEffort({ window, shard: { maxBufferBytes: 6000, lanes: 4 } });
    down(rig, 'more');
    const t = rig.clock.now();
    const senders = Array.from({ length: 8 }, (_, i) => new Sender(rig, `gw-${i}`));
    for (let i = 0; i < 20; i++) for (const sender of senders) expect(await sender.send(t + i)).toMatchObject({ kind: 'stored' });
    up(rig, 'more');
    await rig.pass(10_000);
    expect(timesOf(rig, 'main')).toHaveLength(160);
    expect(timesOf(rig, 'more').length + dropped(rig, 'more', 'buffer_full')).toBe(160);
    expect(dropped(rig, 'more', 'buffer_full')).toBeGreaterThan(50);
    expect(await rig.dataKeys()).toEqual([]);
  });
});

describe('a configuration that changes', () => {
  it('gives a receiver that is new what is stored from then on', async () => {
    const rig = new ShardRig();
    down(rig, 'main');
    const sender = new Sender(rig);
    const t = rig.clock.now();
    await sender.sendAll(t, 3);
    rig.restart({ receivers: two });
    // Its place is kept from the first moment: another restart does not move it.
    await sender.sendAll(t + 3, 2);
    rig.restart({ receivers: two });
    await sender.sendAll(t + 5, 1);
    up(rig, 'main');
    await rig.pass(10_000);
    expect(timesOf(rig, 'main')).toEqual([0, 1, 2, 3, 4, 5].map((i) => t + i));
    expect(timesOf(rig, 'more')).toEqual([3, 4, 5].map((i) => t + i));
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('counts what a receiver that is gone did not get, and frees it', async () => {
    const rig = new ShardRig({ receivers: two });
    down(rig, 'more');
    const sender = new Sender(rig);
    const t = rig.clock.now();
    await sender.sendAll(t, 4);
    await rig.pass(1_000);
    rig.restart({ receivers: [{ name: 'main' }] });
    expect(dropped(rig, 'more', 'receiver_removed')).toBe(4);
    expect(rig.logged).toContain('a receiver is gone from the configuration, what it did not get is dropped');
    await sender.sendAll(t + 4, 1);
    await rig.pass(1_000);
    expect(await rig.dataKeys()).toEqual([]);
    expect(timesOf(rig, 'main')).toHaveLength(5);
    // Once, whatever happens then, and it begins anew when it comes back.
    rig.restart();
    rig.restart({ receivers: two });
    up(rig, 'more');
    await sender.sendAll(t + 5, 2);
    await rig.pass(10_000);
    expect(timesOf(rig, 'more')).toEqual([t + 5, t + 6]);
    expect(dropped(rig, 'more', 'receiver_removed')).toBe(4);
  });

  it('goes on with the only receiver that there was before shards knew several', async () => {
    const rig = new ShardRig();
    down(rig, 'main');
    const sender = new Sender(rig);
    const t = rig.clock.now();
    await sender.sendAll(t, 4);
    const sql = rig.storage.open();
    sql.exec('CREATE TABLE lanes (lane INTEGER PRIMARY KEY, seq INTEGER NOT NULL, fragment INTEGER NOT NULL, totals TEXT NOT NULL)');
    sql.exec('INSERT INTO lanes VALUES (0, 3, 0, ?)', '{"relay_forwarded_samples_total":2}');
    sql.exec('DROP TABLE drains');
    rig.restart({ receivers: two });
    up(rig, 'main');
    await rig.pass(10_000);
    expect(timesOf(rig, 'main')).toEqual([t + 2, t + 3]);
    expect(timesOf(rig, 'more')).toEqual([]);
    expect(rig.value('relay_forwarded_samples_total{receiver="main"}')).toBe(4);
    rig.restart();
    expect(rig.value('relay_forwarded_samples_total{receiver="main"}')).toBe(4);
  });
});

describe('sample_age_limit', () => {
  const limited: RigOptions = { receivers: [{ name: 'main', queue: { sampleAgeLimitMs: 60_000 } }, { name: 'more' }] };

  it('passes over samples that are older by the time they could be sent, and counts them', async () => {
    const rig = new ShardRig(limited);
    down(rig, 'main');
    const sender = new Sender(rig);
    const t = rig.clock.now();
    await sender.sendAll(t, 5);
    await rig.pass(120_000, 1000);
    const fresh = await sender.sendAll(rig.clock.now(), 2);
    up(rig, 'main');
    await rig.pass(10_000);
    expect(timesOf(rig, 'main')).toEqual(fresh);
    expect(dropped(rig, 'main', 'too_old')).toBe(5);
    expect(timesOf(rig, 'more')).toHaveLength(7);
    expect(dropped(rig, 'more', 'too_old')).toBe(0);
    expect(await rig.dataKeys()).toEqual([]);
    rig.restart();
    await rig.pass(1_000);
    expect(dropped(rig, 'main', 'too_old')).toBe(5);
  });

  it('passes over them between others too, and where there is nothing else', async () => {
    const rig = new ShardRig(limited);
    const sender = new Sender(rig);
    const t = rig.clock.now();
    const old = t - 120_000;
    await sender.send(old, old + 1);
    await sender.send(old + 2, t, old + 3, t + 1, old + 4);
    await sender.send(old + 5);
    await rig.pass(1_000);
    expect(timesOf(rig, 'main')).toEqual([t, t + 1]);
    expect(dropped(rig, 'main', 'too_old')).toBe(6);
    rig.restart();
    await sender.send(t + 2);
    await rig.pass(1_000);
    expect(timesOf(rig, 'main')).toEqual([t, t + 1, t + 2]);
    expect(dropped(rig, 'main', 'too_old')).toBe(6);
    expect(await rig.dataKeys()).toEqual([]);
  });
});

describe('batch_send_deadline', () => {
  const waits = (maxSamplesPerSend = 2000): RigOptions => ({
    receivers: [{ name: 'main', queue: { batchSendDeadlineMs: 5_000, maxSamplesPerSend } }],
  });
  const sizes = (rig: ShardRig) => rig.receiver.requests.map(({ samples }) => samples);

  it('waits so long for a fuller POST, counted from the oldest commit', async () => {
    const rig = new ShardRig(waits());
    const sender = new Sender(rig);
    const t = rig.clock.now();
    await sender.sendAll(t, 10);
    await rig.pass(3_500);
    expect(sizes(rig)).toEqual([]);
    await rig.pass(1_000);
    expect(sizes(rig)).toEqual([10]);
    await sender.sendAll(t + 10, 3);
    await rig.pass(6_000);
    expect(sizes(rig)).toEqual([10, 3]);
    expect(await rig.dataKeys()).toEqual([]);
  });

  it('does not wait once a POST is full', async () => {
    const rig = new ShardRig(waits(1));
    const t = rig.clock.now();
    await new Sender(rig).sendAll(t, 30);
    await rig.pass(200);
    // 25 fragments of max_samples_per_send make one POST.
    expect(sizes(rig)).toEqual([25]);
    await rig.pass(6_000);
    expect(sizes(rig)).toEqual([25, 5]);
  });

  it('does not wait with a backlog', async () => {
    const rig = new ShardRig(waits());
    down(rig, 'main');
    await new Sender(rig).sendAll(rig.clock.now(), 5);
    await rig.pass(20_000);
    up(rig, 'main');
    await rig.pass(5_100);
    expect(timesOf(rig, 'main')).toHaveLength(5);
  });

  it('is kept across a restart', async () => {
    const rig = new ShardRig(waits());
    await new Sender(rig).sendAll(rig.clock.now(), 2);
    rig.restart();
    await rig.pass(6_000);
    expect(timesOf(rig, 'main')).toHaveLength(2);
  });
});

describe('the receiver’s clock', () => {
  it('is that of the receiver that counts', async () => {
    const rig = new ShardRig({ receivers: [{ name: 'main' }, { name: 'more' }], leading: 'more' });
    const tellsTime = (receiver: string, offsetMs: number) => {
      const date = new Date(rig.clock.now() + offsetMs).toUTCString();
      rig.receiverOf(receiver).behave({ kind: 'status', status: 204, headers: { date } });
    };
    tellsTime('main', 3_600_000);
    tellsTime('more', -7_200_000);
    const { receiverMs = 0 } = await rig.core.time();
    expect(Math.abs(receiverMs - rig.clock.now() + 7_200_000)).toBeLessThan(2_000);
    await new Sender(rig).send(rig.clock.now());
    await rig.pass(500);
    expect(Math.round(rig.value('relay_clock_offset_seconds{receiver="main"}') / 10)).toBe(360);
    expect(Math.round(rig.value('relay_clock_offset_seconds{receiver="more"}') / 10)).toBe(-720);
  });
});
