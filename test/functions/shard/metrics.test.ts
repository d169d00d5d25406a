import { expect, it } from 'vitest';
import { laterTotals } from '../../../functions/shard/counters.ts';
import { push, sampleOf } from '../../fakes/commit-requests.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

const MEGABYTES = 1024 * 1024;

async function stored(rig: ShardRig, from: number): Promise<void> {
  const result = rig.core.commit(push({ from, to: from + 1, fragments: [sampleOf('gw-1', rig.clock.now(), from)] }));
  await rig.pass(1000);
  expect(await result).toMatchObject({ kind: 'stored' });
}

it('measures commits and POSTs, also after the instance is gone', async () => {
  const rig = new ShardRig();
  expect(rig.core.metrics().values).toMatchObject({
    'relay_commit_duration_seconds_bucket{le="+Inf"}': 0,
    relay_commit_duration_seconds_count: 0,
  });
  for (let i = 0; i < 3; i++) await stored(rig, i);
  const names = {
    commits: 'relay_commit_duration_seconds_count',
    posts: 'relay_forward_duration_seconds_count{receiver="main"}',
    all: 'relay_forward_duration_seconds_bucket{receiver="main",le="+Inf"}',
    deleted: 'relay_objects_deleted_total',
    forwarded: 'relay_forwarded_samples_total{receiver="main"}',
  };
  const counts = () => Object.values(names).map((name) => rig.value(name));
  expect(counts()).toEqual([3, 3, 3, 3, 3]);
  await rig.core.poke();
  rig.restart();
  expect(counts()).toEqual([3, 3, 3, 3, 3]);
  await stored(rig, 3);
  expect(counts()).toEqual([4, 4, 4, 4, 4]);
});

it('keeps what was refused, where nothing more is stored', async () => {
  const rig = new ShardRig({ shard: { maxBufferBytes: 1 } });
  rig.receiver.behave({ kind: 'down' });
  const pushed = (device: string) => rig.core.commit(push({ device, from: 0, to: 1, fragments: [sampleOf(device, rig.clock.now(), 1)] }));
  const refused = () => pushed('gw-2');
  const filling = pushed('gw-1');
  await rig.pass(6_000);
  expect(await filling).toMatchObject({ kind: 'stored' });
  for (let i = 0; i < 5; i++) expect(await refused()).toMatchObject({ kind: 'busy', reason: 'buffer' });
  await rig.core.poke();
  rig.restart();
  expect(rig.value('relay_shard_busy_total{reason="buffer"}')).toBe(5);
  await refused();
  // Not yet saved: a minute's refusals may be lost, never more.
  rig.restart();
  expect(rig.value('relay_shard_busy_total{reason="buffer"}')).toBe(5);
});

it('keeps the tries of a lane that does not get on', async () => {
  const rig = new ShardRig();
  rig.receiver.behave({ kind: 'down' });
  const result = rig.core.commit(push({ from: 0, to: 1, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] }));
  await rig.pass(60_000);
  expect(await result).toMatchObject({ kind: 'stored' });
  const tries = rig.value('relay_forward_retries_total{receiver="main"}');
  expect(tries).toBeGreaterThan(3);
  expect(rig.value('relay_forward_duration_seconds_count{receiver="main"}')).toBe(tries);
  await rig.core.poke();
  await rig.core.poke();
  rig.restart();
  expect(rig.value('relay_forward_retries_total{receiver="main"}')).toBeGreaterThanOrEqual(tries);
  rig.receiver.behave({ kind: 'ok' });
  await rig.pass(60_000);
  expect(rig.value('relay_forwarded_samples_total{receiver="main"}')).toBe(1);
});

it('counts deletions that failed, and the objects once they are gone', async () => {
  const rig = new ShardRig({ budgetBytes: 64 * MEGABYTES });
  const { delete: remove } = rig.store;
  rig.store.delete = () => Promise.reject(new Error('away'));
  await stored(rig, 0);
  expect(rig.value('relay_delete_failures_total')).toBeGreaterThan(0);
  expect(rig.value('relay_objects_deleted_total')).toBe(0);
  rig.store.delete = remove;
  await stored(rig, 1);
  expect(rig.value('relay_objects_deleted_total')).toBe(2);
  expect(await rig.dataKeys()).toEqual([]);
});

it.each([
  [undefined, undefined, {}],
  [{ a: 1 }, undefined, { a: 1 }],
  [undefined, '{"a":1}', { a: 1 }],
  [{ a: 5, b: 1 }, '{"a":3,"b":2,"c":4}', { a: 5, b: 2, c: 4 }],
])('of %j and %j the later counts', (totals, saved, expected) => {
  expect(laterTotals(totals, saved)).toEqual(expected);
});
