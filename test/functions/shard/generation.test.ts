import { describe, expect, it } from 'vitest';
import type { CommitResult, LogCommitRequest } from '../../../functions/model.ts';
import { shardIndex } from '../../../functions/spread.ts';
import { LOG_A, LOG_B, plain, point, push, sampleOf, TENANT } from '../../fakes/commit-requests.ts';
import { FleetRig, type FleetWorker } from '../../fakes/fleet-rig.ts';

/** Shards of one tenant are replaced by those of a newer generation: what each of the races may cost is a repeat, never a sample. */

const WINDOW = 3_600_000;
const STORED: CommitResult = { kind: 'stored', repeated: false };
const REPEATED: CommitResult = { kind: 'stored', repeated: true };

const fleet = (): FleetRig => new FleetRig({ window: WINDOW });
const send = (rig: FleetRig, worker: FleetWorker, request: LogCommitRequest) => rig.during(worker.commit(request));

/** One record with one sample. */
const record = (rig: FleetRig, device: string, position: number, log = LOG_A) =>
  push({ device, log, from: position - 1, to: position, fragments: [sampleOf(device, rig.clock.now(), position)] });

/** Devices of each index of a generation of four. */
const deviceOf = (index: number, shards = 4): string => {
  for (let i = 0; ; i++) if (shardIndex(`gw-${i}`, shards) === index) return `gw-${i}`;
};

const forwarded = (rig: FleetRig, device: string): readonly number[] =>
  [...rig.receiver.tenant(TENANT).series.values()]
    .filter(({ labels }) => labels.some(([name, value]) => name === 'device' && value === device))
    .flatMap(({ samples }) => samples.map(({ ms }) => ms));

describe('a new generation', () => {
  it('takes over the positions: what was stored before the move is acknowledged after it, and not stored twice', async () => {
    const rig = fleet();
    const before = rig.worker(1, 1);
    const device = deviceOf(2);
    const first = record(rig, device, 1);
    expect(await send(rig, before, first)).toEqual(STORED);
    const after = rig.worker(2, 4);
    expect(await send(rig, after, first)).toEqual(REPEATED);
    expect([...rig.shards.keys()]).toEqual(['acme/1/0', 'acme/2/2']);
    expect(await send(rig, after, record(rig, device, 2))).toEqual(STORED);
    // A log that lost its tail is told so by the shard that never saw it.
    const conflict = await send(rig, after, push({ device, from: 0, to: 5 }));
    expect(conflict).toMatchObject({ kind: 'conflict', stored: point(2), points: [point(2), point(1)] });
    await rig.pass(10_000);
    expect(rig.sum('relay_samples_stored_total')).toBe(2);
    expect(forwarded(rig, device)).toHaveLength(2);
    expect(rig.shard('acme/1/0').value('relay_shard_closed')).toBe(1);
    expect(rig.shard('acme/1/0').value('relay_devices')).toBe(0);
    expect(rig.shard('acme/2/2').value('relay_devices')).toBe(1);
    expect(rig.shard('acme/2/2').value('relay_shard_waits_for_shards')).toBe(0);
  });

  it('knows them still after its instance is gone', async () => {
    const rig = fleet();
    const device = deviceOf(2);
    const first = record(rig, device, 1);
    await send(rig, rig.worker(1, 1), first);
    expect(await send(rig, rig.worker(2, 4), first)).toEqual(REPEATED);
    rig.kill('acme/2/2');
    const asked = rig.calls.length;
    expect(await send(rig, rig.worker(2, 4), first)).toEqual(REPEATED);
    expect(rig.calls.slice(asked).filter(({ call }) => call === 'handOver')).toEqual([]);
  });

  it('has taken over also what a generation between, in which the device never pushed, did not', async () => {
    const rig = fleet();
    const device = deviceOf(3);
    const first = record(rig, device, 1);
    await send(rig, rig.worker(1, 1), first);
    await send(rig, rig.worker(2, 4), record(rig, deviceOf(0), 1));
    expect(await send(rig, rig.worker(3, 2), first)).toEqual(REPEATED);
    // And where it did push in between, the later position counts.
    const other = deviceOf(0);
    expect(await send(rig, rig.worker(3, 2), record(rig, other, 2))).toEqual(STORED);
  });

  it('serves senders without a log', async () => {
    const rig = fleet();
    const old = rig.worker(1, 1);
    expect(await rig.during(old.commit(plain('gw-1', sampleOf('gw-1', rig.clock.now(), 1))))).toEqual(STORED);
    expect(await rig.during(rig.worker(2, 4).commit(plain('gw-1', sampleOf('gw-1', rig.clock.now(), 2))))).toEqual(STORED);
    expect(await rig.during(old.commit(plain('gw-1', sampleOf('gw-1', rig.clock.now(), 3))))).toEqual(STORED);
    await rig.pass(10_000);
    expect(forwarded(rig, 'gw-1')).toHaveLength(3);
  });

  it('tells nobody else about a device: each shard gets its own', async () => {
    const rig = fleet();
    const old = rig.worker(1, 1);
    for (const index of [0, 1, 2, 3]) await send(rig, old, record(rig, deviceOf(index), 1));
    const after = rig.worker(2, 4);
    for (const index of [0, 1, 2, 3]) await send(rig, after, record(rig, deviceOf(index), 2));
    for (const index of [0, 1, 2, 3]) expect(rig.shard(`acme/2/${index}`).value('relay_devices')).toBe(1);
  });
});

describe('old and new Workers at once', () => {
  it('an old one follows the closed shard, and remembers', async () => {
    const rig = fleet();
    const [old, young] = [rig.worker(1, 1), rig.worker(2, 4)];
    const device = deviceOf(1);
    await send(rig, old, record(rig, device, 1));
    await send(rig, young, record(rig, device, 2));
    expect(await send(rig, old, record(rig, device, 3))).toEqual(STORED);
    const calls = rig.calls.length;
    expect(await send(rig, young, record(rig, device, 4))).toEqual(STORED);
    expect(await send(rig, old, record(rig, device, 5))).toEqual(STORED);
    expect(rig.calls.slice(calls).filter(({ call }) => call === 'commit')).toEqual([
      { call: 'commit', name: 'acme/2/1' },
      { call: 'commit', name: 'acme/2/1' },
    ]);
    expect(rig.conflicts).toEqual([expect.stringMatching(/tenant acme: generation 2 is in use, the configuration says 1; 2 is used/)]);
  });

  it('an old one that starts an old shard for the first time finds it closed from its birth', async () => {
    const rig = fleet();
    const device = deviceOf(1);
    await send(rig, rig.worker(1, 4), record(rig, deviceOf(0), 1));
    await send(rig, rig.worker(2, 2), record(rig, device, 1));
    const old = rig.worker(1, 4);
    expect(await send(rig, old, record(rig, device, 2))).toEqual(STORED);
    expect(rig.shard('acme/1/1').value('relay_samples_stored_total')).toBe(0);
    expect(rig.shard('acme/1/1').value('relay_shard_closed')).toBe(1);
    // It holds up nobody.
    await rig.pass(10_000);
    expect(forwarded(rig, device)).toHaveLength(2);
  });

  it('both register at the same moment: one side sees the other', async () => {
    for (const delayed of [0, 1, 2, 3, 4, 5, 6]) {
      const rig = fleet();
      const device = deviceOf(1);
      const [old, young] = [rig.worker(1, 1), rig.worker(2, 4)];
      const first = record(rig, device, 1);
      const a = old.commit(first);
      for (let i = 0; i < delayed; i++) await Promise.resolve();
      const b = young.commit(first);
      const results = await rig.during(Promise.all([a, b]));
      // The same push by two ways: stored once, whoever comes first.
      for (let i = 0; i < 5 && results.some(({ kind }) => kind === 'busy'); i++) results.push(await send(rig, young, first));
      await rig.pass(10_000);
      expect(rig.sum('relay_samples_stored_total')).toBe(1);
      expect(forwarded(rig, device)).toHaveLength(1);
      expect(rig.fatal).toEqual([]);
    }
  });

  it('a configuration rolled back to the older generation changes nothing', async () => {
    const rig = fleet();
    const device = deviceOf(1);
    await send(rig, rig.worker(1, 1), record(rig, device, 1));
    await send(rig, rig.worker(2, 4), record(rig, device, 2));
    const back = rig.worker(1, 1);
    expect(await send(rig, back, record(rig, device, 3))).toEqual(STORED);
    expect(rig.shard('acme/1/0').value('relay_samples_stored_total')).toBe(1);
    expect(await back.layouts.conflicts()).toEqual(['Tenants that use a generation of shards after the configured 1: 1, up to 2.']);
    // Going back to one shard is a step forward.
    expect(await send(rig, rig.worker(3, 1), record(rig, device, 4))).toEqual(STORED);
    await rig.pass(10_000);
    expect(forwarded(rig, device)).toHaveLength(4);
  });

  it('follows over several generations', async () => {
    const rig = fleet();
    const device = deviceOf(1);
    const workers = [rig.worker(1, 1), rig.worker(2, 4), rig.worker(3, 2), rig.worker(4, 3)];
    for (const [i, worker] of workers.entries()) expect(await send(rig, worker, record(rig, device, i + 1))).toEqual(STORED);
    for (const [i, worker] of workers.entries()) expect(await send(rig, worker, record(rig, device, i + 5))).toEqual(STORED);
    await rig.pass(20_000);
    expect(forwarded(rig, device)).toHaveLength(8);
  });
});

describe('the hand-over', () => {
  it('waits for the batches in flight, and takes their positions along', async () => {
    const rig = fleet();
    const [old, young] = [rig.worker(1, 1), rig.worker(2, 4)];
    const device = deviceOf(1);
    await send(rig, old, record(rig, device, 1));
    rig.store.createFault = (key) => (key.startsWith('v1/data/acme/1/') ? 'slow' : undefined);
    const second = record(rig, device, 2);
    const inFlight = old.commit(second);
    await rig.pass(1_000);
    const moved = young.commit(record(rig, device, 3));
    await rig.pass(1_000);
    expect(rig.shard('acme/2/1').value('relay_samples_stored_total')).toBe(0);
    rig.store.createFault = () => undefined;
    await rig.store.landLate();
    expect(await rig.during(inFlight)).toEqual(STORED);
    expect(await rig.during(moved)).toEqual(STORED);
    await rig.pass(10_000);
    expect(rig.sum('relay_samples_stored_total')).toBe(3);
  });

  it('a push that waits for a batch of the closing shard is sent on, not answered', async () => {
    const rig = fleet();
    const [old, young] = [rig.worker(1, 1), rig.worker(2, 4)];
    const device = deviceOf(1);
    rig.store.createFault = (key) => (key.startsWith('v1/data/acme/1/') ? 'slow' : undefined);
    const first = record(rig, device, 1);
    const inFlight = old.commit(first);
    await rig.pass(1_000);
    // Cut differently: a conflict as long as the first is pending.
    const wider = push({ device, from: 0, to: 2, fragments: [sampleOf(device, rig.clock.now(), 2)] });
    const waiting = old.commit(wider);
    await rig.pass(200);
    const closing = young.commit(record(rig, deviceOf(3), 1));
    await rig.pass(200);
    await rig.store.landLate();
    expect(await rig.during(inFlight)).toEqual(STORED);
    expect(await rig.during(closing)).toEqual(STORED);
    expect(await rig.during(waiting)).toMatchObject({ kind: 'conflict', stored: point(1) });
    expect(rig.calls.filter(({ call, name }) => call === 'commit' && name === 'acme/2/1')).toHaveLength(1);
  });

  it('is repeated where it is interrupted', async () => {
    const rig = fleet();
    const device = deviceOf(1);
    const first = record(rig, device, 1);
    await send(rig, rig.worker(1, 1), first);
    const young = rig.worker(2, 4);
    for (const fault of ['lost', 'answer_lost'] as const) {
      rig.fault = (call) => (call === 'handOver' ? fault : undefined);
      expect(await send(rig, young, first)).toMatchObject({ kind: 'busy', reason: 'handover' });
      expect(rig.shard('acme/2/1').value('relay_shard_busy_total{reason="handover"}')).toBeGreaterThan(0);
    }
    rig.fault = () => undefined;
    expect(await send(rig, young, first)).toEqual(REPEATED);
  });

  it('begins again where the new shard dies in the middle', async () => {
    const rig = fleet();
    const device = deviceOf(1);
    const first = record(rig, device, 1);
    await send(rig, rig.worker(1, 1), first);
    const young = rig.worker(2, 4);
    // Dies when the positions have come, before they are kept.
    rig.fault = (call) => {
      if (call === 'handOver') rig.kill('acme/2/1');
      return undefined;
    };
    expect(await send(rig, young, first)).toMatchObject({ kind: 'busy' });
    rig.fault = () => undefined;
    expect(await send(rig, young, first)).toEqual(REPEATED);
    expect(rig.sum('relay_samples_stored_total')).toBe(1);
  });

  it('of a shard that dies before it is durably closed is as if it had never begun', async () => {
    const rig = fleet();
    const [old, young] = [rig.worker(1, 1), rig.worker(2, 4)];
    const device = deviceOf(1);
    await send(rig, old, record(rig, device, 1));
    rig.store.createFault = (key) => (key.startsWith('v1/data/acme/1/') ? 'slow' : undefined);
    const lost = old.commit(record(rig, device, 2));
    await rig.pass(1_000);
    const closing = young.commit(record(rig, deviceOf(3), 1));
    await rig.pass(500);
    rig.kill('acme/1/0');
    rig.store.createFault = () => undefined;
    await rig.store.landLate();
    expect(await rig.during(lost)).toMatchObject({ kind: 'busy' });
    expect(await rig.during(closing)).toMatchObject({ kind: 'busy' });
    // Open again: who has not heard of the new generation goes on.
    expect(rig.shard('acme/1/0').value('relay_shard_closed')).toBe(0);
    expect(await send(rig, rig.worker(1, 1), record(rig, device, 2))).toEqual(STORED);
    expect(await send(rig, young, record(rig, device, 3))).toEqual(STORED);
    await rig.pass(10_000);
    expect(rig.sum('relay_samples_stored_total')).toBe(3);
    expect(forwarded(rig, device)).toHaveLength(3);
  });

  it('of an instance that has been replaced fails, whatever it still knows', async () => {
    const rig = fleet();
    await send(rig, rig.worker(1, 1), record(rig, 'gw-1', 1));
    const zombie = rig.shard('acme/1/0').core;
    rig.kill('acme/1/0');
    await expect(zombie.handOver({ generation: 2, shards: 1, index: 0 })).rejects.toThrow(/ledger/);
    await expect(rig.shard('acme/1/0').core.handOver({ generation: 1, shards: 1, index: 0 })).rejects.toThrow(
      /expected a generation above 1/,
    );
  });

  it('to two successors at once: the newest has it', async () => {
    const rig = fleet();
    const device = deviceOf(1);
    const first = record(rig, device, 1);
    await send(rig, rig.worker(1, 1), first);
    const [second, third] = [rig.worker(2, 4), rig.worker(3, 2)];
    const results = await rig.during(Promise.all([second.commit(first), third.commit(first)]));
    for (const [i, worker] of [second, third].entries()) if (results[i]?.kind === 'busy') results[i] = await send(rig, worker, first);
    expect(results).toEqual([REPEATED, REPEATED]);
    expect(await send(rig, second, record(rig, device, 2))).toEqual(STORED);
    expect(await send(rig, third, record(rig, device, 3))).toEqual(STORED);
    await rig.pass(20_000);
    expect(rig.sum('relay_samples_stored_total')).toBe(3);
    expect(forwarded(rig, device)).toHaveLength(3);
  });

  it('of 20,000 devices goes in pages that fit into a call', async () => {
    const rig = fleet();
    const old = rig.worker(1, 1);
    for (let i = 0; i < 20_000; i += 1_000) {
      const batch = Array.from({ length: 1_000 }, (_, n) => `device-with-a-long-name-${i + n}`);
      await rig.during(Promise.all(batch.map((device) => old.commit(push({ device, from: 0, to: 1 })))));
    }
    const sizes: number[] = [];
    const { core } = rig.shard('acme/1/0');
    const { handOver } = core;
    core.handOver = async (request) => {
      const page = await handOver.call(core, request);
      sizes.push(JSON.stringify(page).length);
      return page;
    };
    const young = rig.worker(2, 1);
    expect(await send(rig, young, push({ device: 'device-with-a-long-name-19999', from: 0, to: 1 }))).toEqual(REPEATED);
    expect(await send(rig, young, push({ device: 'device-with-a-long-name-0', from: 0, to: 1 }))).toEqual(REPEATED);
    expect(rig.shard('acme/2/0').value('relay_devices')).toBe(20_000);
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThan(2 * 1024 * 1024);
    rig.kill('acme/2/0');
    expect(rig.shard('acme/2/0').value('relay_devices')).toBe(20_000);
  }, 60_000);

  it('knows both logs of a device', async () => {
    const rig = fleet();
    const old = rig.worker(1, 1);
    for (const log of [LOG_A, LOG_B]) await send(rig, old, record(rig, 'gw-1', 1, log));
    const young = rig.worker(2, 4);
    for (const log of [LOG_B, LOG_A]) expect(await send(rig, young, record(rig, 'gw-1', 1, log))).toEqual(REPEATED);
  });
});

describe('the drain of a new generation', () => {
  it('stores at once, and sends nothing before the ones before have sent all', async () => {
    const rig = fleet();
    const device = deviceOf(1);
    rig.receiver.behave({ kind: 'down' });
    const old = rig.worker(1, 1);
    for (let i = 1; i <= 3; i++) await send(rig, old, record(rig, device, i));
    const young = rig.worker(2, 4);
    for (let i = 4; i <= 6; i++) expect(await send(rig, young, record(rig, device, i))).toEqual(STORED);
    await rig.pass(30_000);
    expect(rig.shard('acme/2/1').value('relay_shard_waits_for_shards')).toBe(1);
    const tried = rig.shard('acme/2/1').core.metrics().values;
    expect(Object.keys(tried).filter((name) => name.startsWith('relay_forward_requests_total'))).toEqual([]);
    rig.kill('acme/2/1');
    rig.kill('acme/1/0');
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(30_000);
    const times = forwarded(rig, device);
    expect(times).toHaveLength(6);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(rig.shard('acme/2/1').value('relay_shard_waits_for_shards')).toBe(0);
    // Durably: another instance need not ask.
    const asked = rig.calls.length;
    rig.kill('acme/2/1');
    await send(rig, young, record(rig, device, 7));
    await rig.pass(5_000);
    expect(rig.calls.slice(asked).filter(({ call }) => call === 'drained')).toEqual([]);
  });

  it('waits for each receiver by itself', async () => {
    const rig = new FleetRig({
      receivers: [
        { name: 'main', outOfOrderTimeWindowMs: WINDOW },
        { name: 'slow', outOfOrderTimeWindowMs: WINDOW, onFull: 'block' },
      ],
    });
    const device = deviceOf(1);
    await send(rig, rig.worker(1, 1), record(rig, device, 1));
    await rig.pass(5_000);
    rig.shard('acme/1/0').receiverOf('slow').behave({ kind: 'down' });
    await send(rig, rig.worker(1, 1), record(rig, device, 2));
    await send(rig, rig.worker(2, 4), record(rig, device, 3));
    await rig.pass(20_000);
    expect(forwarded(rig, device)).toHaveLength(3);
    expect(rig.shard('acme/2/1').value('relay_forwarded_samples_total{receiver="slow"}')).toBe(0);
    rig.shard('acme/1/0').receiverOf('slow').behave({ kind: 'ok' });
    await rig.pass(30_000);
    expect(rig.shard('acme/2/1').value('relay_forwarded_samples_total{receiver="slow"}')).toBe(1);
  });

  it('does not ask faster than every two seconds while it waits', async () => {
    const rig = fleet();
    rig.receiver.behave({ kind: 'down' });
    await send(rig, rig.worker(1, 1), record(rig, 'gw-1', 1));
    await send(rig, rig.worker(2, 1), record(rig, 'gw-1', 2));
    const asked = () => rig.calls.filter(({ call }) => call === 'drained').length;
    const before = asked();
    await rig.pass(60_000);
    expect(asked() - before).toBeLessThanOrEqual(31);
    expect(asked() - before).toBeGreaterThan(10);
  });
});
