import { createExecutionContext, evictDurableObject, runInDurableObject, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { decodeAnswer, type LogId, type Push } from '../../contract/push.ts';
import { signToken } from '../../functions/auth/token.ts';
import worker from '../../functions/index.ts';
import type { DevicePositions, ShardStub } from '../../functions/model.ts';
import { Ledger } from '../../functions/shard/ledger.ts';
import { PositionStore } from '../../functions/shard/position-store.ts';
import { storageSql } from '../../functions/shard/storage-sql.ts';
import { buildTarget, makePush, pushBody, labels as sorted } from '../fakes/pushes.ts';

/** Another number of shards on the real runtime: Workers of two configurations on one storage, calls between Durable Objects. */

const objectOf = (name: string) => env.SHARD.get(env.SHARD.idFromName(name));
const stubOf = (name: string) => objectOf(name) as unknown as ShardStub;

const config = (generation: number, shards: number): string => `
receivers:
  - name: central
    url: http://127.0.0.1:1/api/v1/write
    kind: thanos
    out_of_order_time_window: 2h
shard: { generation: ${generation}, shards: ${shards}, lanes: 2, commit_interval: 20ms }
tenants: { '*': {} }
`;

/** A Worker under a configuration of its own, on the storage of all. */
async function fetchBy(relayConfig: string, path: string, init: RequestInit): Promise<Response> {
  const context = createExecutionContext();
  const request = new Request(`http://edge${path}`, init) as Parameters<typeof worker.fetch>[0];
  const response = await worker.fetch(request, { ...env, RELAY_CONFIG: relayConfig, RECEIVER_URL: '' }, context);
  await waitOnExecutionContext(context);
  return response;
}

async function push(relayConfig: string, tenant: string, device: string, given: Push) {
  const authorization = `Bearer ${await signToken(env.DEVICE_TOKEN_KEY ?? '', { tenant, device, expiresMs: Date.now() + 60_000 })}`;
  const response = await fetchBy(relayConfig, '/api/v1/push', { method: 'POST', body: pushBody(given), headers: { authorization } });
  return decodeAnswer(new Uint8Array(await response.arrayBuffer()));
}

const point = (position: number) => ({ position, chain: position.toString(16).padStart(16, '0') });

/** The device's own report only: it needs no table. */
async function record(logId: LogId, from: number): Promise<Push> {
  const { batch } = await buildTarget({ labels: sorted({ instance: 'a', job: 'node' }), times: [Date.now()], series: [] });
  const { labels, times, report, exemplars, metadata } = batch;
  const own = { labels, times, report, exemplars, metadata, table: undefined, cells: undefined };
  return { ...makePush([own]), logId, base: point(from), to: point(from + 1) };
}

async function keysOf(prefix: string): Promise<readonly string[]> {
  return (await env.BUFFER.list({ prefix })).objects.map(({ key }) => key);
}

describe('resharding on workerd', () => {
  it('hands positions over between Workers of two configurations, across instances', async () => {
    const tenant = 'reshard';
    const logId = 'c'.repeat(32);
    const [old, young] = [config(1, 1), config(2, 4)];
    const first = await record(logId, 0);
    expect((await push(old, tenant, 'gw-1', first)).code).toBe('stored');
    expect((await push(old, tenant, 'gw-2', await record(logId, 0))).code).toBe('stored');
    const before = await keysOf(`v1/data/${tenant}/`);
    // What the old shard acknowledged the new one acknowledges once more, and stores nothing.
    expect((await push(young, tenant, 'gw-1', first)).code).toBe('stored');
    expect(await keysOf(`v1/data/${tenant}/`)).toEqual(before);
    expect(await keysOf(`v1/generations/${tenant}/`)).toEqual([`v1/generations/${tenant}/1`, `v1/generations/${tenant}/2`]);
    // The old Worker is sent on; so is another isolate of it, after every instance has gone.
    expect((await push(old, tenant, 'gw-1', await record(logId, 1))).code).toBe('stored');
    for (const name of await keysOf(`v1/shards/${tenant}/`)) await evictDurableObject(objectOf(name.slice('v1/shards/'.length)));
    expect((await push(old, tenant, 'gw-1', await record(logId, 2))).code).toBe('stored');
    expect(await stubOf(`${tenant}/1/0`).drained()).toEqual({ closed: true, backlog: ['central'] });
    expect((await push(young, tenant, 'gw-1', first)).code).toBe('conflict');
    const generations = (await keysOf(`v1/data/${tenant}/`)).map((key) => key.split('/')[3]);
    expect(generations.filter((generation) => generation === '1')).toHaveLength(before.length);
    expect(generations.filter((generation) => generation === '2')).toHaveLength(2);
    const { values } = await stubOf(`${tenant}/2/1`).metrics();
    expect(values).toMatchObject({ relay_shard_closed: 0, relay_shard_waits_for_shards: 1, relay_devices: 1 });
    expect((await stubOf(`${tenant}/1/0`).metrics()).values).toMatchObject({ relay_shard_closed: 1, relay_devices: 0 });
  });

  it('hands over 20,000 devices with all their points', async () => {
    const old = 'many/1/0';
    const earlier = Array.from({ length: 15 }, (_, i) => `${i + 1}:${(i + 1).toString(16).padStart(16, '0')}`).join(' ');
    const devices = Array.from(
      { length: 20_000 },
      (_, i): DevicePositions => [`device-with-a-long-name-${i}`, [[`${'d'.repeat(32)}/0`, 16, point(16).chain, 1, earlier]]],
    );
    await runInDurableObject(objectOf(old), async (_instance, state) => {
      const ledger = new Ledger(storageSql(state.storage));
      new PositionStore(ledger).adopt(devices, () => undefined);
      await ledger.sync();
    });
    await evictDurableObject(objectOf(old));
    await env.BUFFER.put(`v1/shards/${old}`, '');
    await env.BUFFER.put('v1/shards/many/2/0', '');
    await env.BUFFER.put('v1/generations/many/2', '{"shards":1}');
    const fragments = { tenant: 'many', fragments: [], counts: {}, gaps: [], logId: 'd'.repeat(32), stream: 0 };
    const repeat = { ...fragments, device: 'device-with-a-long-name-19999', base: point(15), to: point(16) };
    expect(await stubOf('many/2/0').commit(repeat)).toMatchObject({ kind: 'stored', repeated: true });
    expect((await stubOf('many/2/0').metrics()).values).toMatchObject({ relay_devices: 20_000 });
    await evictDurableObject(objectOf('many/2/0'));
    expect(await stubOf('many/2/0').commit({ ...repeat, device: 'device-with-a-long-name-0' })).toMatchObject({ repeated: true });
  });
});
