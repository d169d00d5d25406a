import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { r2Store } from '../../functions/buffer/r2.ts';
import { defaultReceiver } from '../../functions/config/defaults.ts';
import type { ReceiverConfig } from '../../functions/config/types.ts';
import { createOutlet } from '../../functions/forward/deliver.ts';
import { Receiver } from '../../functions/forward/receiver.ts';
import type { Clock, CommitResult, Moved, ObjectStore, ShardStub, Verdict } from '../../functions/model.ts';
import { ByteBudget } from '../../functions/shard/budget.ts';
import { ShardCore } from '../../functions/shard/core.ts';
import { parseShardName, type ShardName } from '../../functions/shard/keys.ts';
import { storageSql } from '../../functions/shard/storage-sql.ts';
import { plain, push, sampleOf } from '../fakes/commit-requests.ts';
import { InMemoryReceiver } from '../fakes/in-memory-receiver.ts';
import { ledgerCases } from '../suites/ledger.ts';

/** The shard on the real runtime: SQLite, alarms, R2 and their order. Each test has a tenant of its own. */

const objectOf = (name: string) => env.SHARD.get(env.SHARD.idFromName(name));
const stubOf = (name: string) => objectOf(name) as unknown as ShardStub;
const requestOf = (name: string, given: Parameters<typeof push>[0]) => ({ ...push(given), tenant: name.split('/')[0] as string });

async function keysOf(name: string): Promise<readonly string[]> {
  return (await env.BUFFER.list({ prefix: `v1/data/${name}/` })).objects.map(({ key }) => key);
}

const clock: Clock = {
  now: () => Date.now(),
  random: () => 0.5,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
};

const receiverConfig: ReceiverConfig = {
  ...defaultReceiver,
  // As the bundled relay.yml names it: a receiver under another name would be a new one.
  name: 'central',
  url: 'http://receiver.test/api/v1/write',
  kind: 'prometheus',
  tenantHeader: 'THANOS-TENANT',
  remoteTimeoutMs: 5000,
  queue: { ...defaultReceiver.queue, minBackoffMs: 10, maxBackoffMs: 50 },
};

interface CoreOptions {
  readonly receiver?: InMemoryReceiver;
  readonly store?: ObjectStore;
  readonly onFatal?: (error: unknown) => void;
}

/** A core in the object's own storage, with another receiver or store than the class would take. */
function coreIn(state: DurableObjectState, name: string, { receiver, store = r2Store(env.BUFFER), onFatal }: CoreOptions = {}): ShardCore {
  const shardName = parseShardName(name) as ShardName;
  const down = new InMemoryReceiver({ kind: 'prometheus' });
  down.behave({ kind: 'down' });
  const target = new Receiver({
    ...receiverConfig,
    tenant: shardName.tenant,
    timeoutMs: 5000,
    userAgent: 'test',
    headers: [],
    fetch: (receiver ?? down).fetch,
    clock,
  });
  const outlet = (observe: (verdict: Verdict) => void) =>
    createOutlet(async (block) => {
      const verdict = await target.send(block);
      observe(verdict);
      return verdict;
    });
  return new ShardCore({
    name: shardName,
    shard: { generation: 1, shards: 1, lanes: 1, commitIntervalMs: 20, maxBufferBytes: 1e9, deadLetterRetentionMs: 0 },
    receivers: [{ config: receiverConfig, outlet }],
    fleet: {
      registered: async () => [],
      shards: async () => 1,
      peer: stubOf,
    },
    sql: storageSql(state.storage),
    store,
    clock,
    budget: new ByteBudget(1e8),
    setAlarm: (atMs) => state.waitUntil(state.storage.setAlarm(atMs)),
    waitUntil: (work) => state.waitUntil(work),
    onFatal: onFatal ?? (() => undefined),
    log: () => undefined,
  });
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the condition was not met within 5 s');
}

describe('ledger on workerd', () => {
  it.each(ledgerCases)('%s', async (name, check) => {
    const stub = objectOf(`ledger-${ledgerCases.findIndex(([other]) => other === name)}/1/0`);
    await runInDurableObject(stub, (_instance, state) => check(storageSql(state.storage)));
  });
});

describe('the shard', () => {
  it('commits pushes of one interval as one object, and knows them after its instance is gone', async () => {
    const name = 'group/1/0';
    const pushes = ['gw-1', 'gw-2', 'gw-3'].map((device) =>
      requestOf(name, { device, from: 0, to: 3, fragments: [sampleOf(device, Date.now(), 1)] }),
    );
    const results = await Promise.all(pushes.map((request) => stubOf(name).commit(request)));
    expect(results).toEqual(pushes.map(() => ({ kind: 'stored', repeated: false })));
    expect(await keysOf(name)).toEqual([`v1/data/${name}/00000001/000000000001`]);
    await evictDurableObject(objectOf(name));
    expect(await stubOf(name).commit(pushes[0] as (typeof pushes)[0])).toEqual({ kind: 'stored', repeated: true });
    const conflict = await stubOf(name).commit(requestOf(name, { device: 'gw-1', from: 1, to: 4 }));
    expect(conflict).toMatchObject({ kind: 'conflict', stored: { position: 3 } });
    const { values } = await stubOf(name).metrics();
    expect(values).toMatchObject({ relay_devices: 3, relay_buffer_objects: 1, relay_samples_stored_total: 3 });
    const leftOut = { series: 2, targets: [{ target: '{job="node"}', series: 2 }] };
    await stubOf(name).commit({ ...requestOf(name, { device: 'gw-2', from: 3, to: 4 }), leftOut });
    const devices = await stubOf(name).devices({ after: 'gw-1', limit: 5 });
    expect(devices).toMatchObject([{ device: 'gw-2', leftOut }, { device: 'gw-3' }]);
    expect(devices[1]).not.toHaveProperty('leftOut');
  });

  it('stores what a standard sender sends, without a log, each time', async () => {
    const name = 'plain/1/0';
    const request = { ...plain('gw-1', sampleOf('gw-1', Date.now(), 1)), tenant: 'plain' };
    for (let i = 0; i < 2; i++) expect(await stubOf(name).commit(request)).toEqual({ kind: 'stored', repeated: false });
    await evictDurableObject(objectOf(name));
    expect((await stubOf(name).metrics()).values).toMatchObject({ relay_devices: 0, relay_samples_stored_total: 2 });
  });

  it('has its alarm armed while it holds data, and again after it rang', async () => {
    const name = 'alarm/1/0';
    await stubOf(name).commit(requestOf(name, { from: 0, to: 1, fragments: [sampleOf('gw-1', Date.now(), 1)] }));
    expect(await runInDurableObject(objectOf(name), (_instance, state) => state.storage.getAlarm())).not.toBeNull();
    await evictDurableObject(objectOf(name));
    expect(await runDurableObjectAlarm(objectOf(name))).toBe(true);
    expect(await runInDurableObject(objectOf(name), (_instance, state) => state.storage.getAlarm())).not.toBeNull();
    expect(await keysOf(name)).toHaveLength(1);
  });

  it('refuses the data of another tenant, and a name that is none', async () => {
    // In the object, since a rejected call from outside is reported twice.
    const refusal = (name: string): Promise<unknown> =>
      runInDurableObject(objectOf(name), (instance) =>
        (instance as unknown as ShardStub).commit(requestOf('theirs/1/0', { from: 0, to: 1 })).catch(String),
      );
    expect(await refusal('mine/1/0')).toMatch(/expected data of its tenant/);
    expect(await refusal('no name')).toMatch(/expected a name such as/);
  });

  it('that dies between object and row has acknowledged nothing, and its object is deleted', async () => {
    const name = 'died/1/0';
    const request = requestOf(name, { from: 0, to: 3, fragments: [sampleOf('gw-1', Date.now(), 1)] });
    const real = r2Store(env.BUFFER);
    const dying = runInDurableObject(objectOf(name), (_instance, state) => {
      const store: ObjectStore = {
        ...real,
        async create(key, body) {
          await real.create(key, body);
          state.abort('died between object and row');
          return 'created';
        },
      };
      return coreIn(state, name, { store }).commit(request);
    });
    await expect(dying).rejects.toThrow(/died between/);
    expect(await keysOf(name)).toEqual([`v1/data/${name}/00000001/000000000001`]);
    expect(await stubOf(name).commit(request)).toEqual({ kind: 'stored', repeated: false });
    await stubOf(name).poke();
    expect(await keysOf(name)).toEqual([`v1/data/${name}/00000002/000000000001`]);
  });

  it('deletes the object that a dead instance put after its successor had begun', async () => {
    const name = 'zombie/1/0';
    const request = requestOf(name, { from: 0, to: 3, fragments: [sampleOf('gw-1', Date.now(), 1)] });
    const real = r2Store(env.BUFFER);
    let land: (() => Promise<unknown>) | undefined;
    const first = runInDurableObject(objectOf(name), async (_instance, state) => {
      const store: ObjectStore = {
        ...real,
        create: (key, body) => {
          land = () => real.create(key, body);
          return new Promise(() => undefined);
        },
      };
      void coreIn(state, name, { store }).commit(request);
      await until(() => land !== undefined);
      state.abort('replaced');
    });
    await expect(first).rejects.toThrow(/replaced/);
    expect(await stubOf(name).commit(request)).toEqual({ kind: 'stored', repeated: false });
    await land?.();
    expect(await keysOf(name)).toHaveLength(2);
    await stubOf(name).poke();
    expect(await keysOf(name)).toEqual([`v1/data/${name}/00000002/000000000001`]);
  });

  it('drains to the receiver in order and deletes, across instances', async () => {
    const name = 'drain/1/0';
    const receiver = new InMemoryReceiver({ kind: 'prometheus' });
    const t = Date.now() - 60_000;
    // What the class stored for a receiver that is not there is delivered by the next instance.
    for (let i = 0; i < 3; i++) {
      await stubOf(name).commit(requestOf(name, { from: i, to: i + 1, fragments: [sampleOf('gw-1', t + i, i)] }));
    }
    await evictDurableObject(objectOf(name));
    await runInDurableObject(objectOf(name), async (_instance, state) => {
      const core = coreIn(state, name, { receiver });
      const results: (CommitResult | Moved)[] = [];
      for (let i = 3; i < 6; i++) {
        results.push(await core.commit(requestOf(name, { from: i, to: i + 1, fragments: [sampleOf('gw-1', t + i, i)] })));
      }
      expect(results.every(({ kind }) => kind === 'stored')).toBe(true);
      await until(async () => (await keysOf(name)).length === 0);
      expect(core.metrics().values).toMatchObject({ 'relay_forwarded_samples_total{receiver="central"}': 6, relay_buffer_bytes: 0 });
    });
    const [series] = [...receiver.tenant('drain').series.values()];
    expect(series?.samples.map(({ ms }) => ms - t)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(receiver.silentlyDropped).toBe(0);
  });
});
