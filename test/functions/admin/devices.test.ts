import { describe, expect, it } from 'vitest';
import { ShardRegistry } from '../../../functions/fleet/registry.ts';
import type { DeviceStatus, ListedDevices } from '../../../functions/model.ts';
import { NOW, TestEdge } from '../../fakes/worker.ts';

const TOKEN = 'a-token-of-the-operator-32-bytes';
const PATH = '/api/v1/admin/devices';

/** An edge whose shards know of these devices. */
async function setup(shards: Readonly<Record<string, readonly DeviceStatus[]>>) {
  const edge = new TestEdge({ adminToken: TOKEN });
  const registry = new ShardRegistry(edge.store);
  for (const [name, statuses] of Object.entries(shards)) {
    await registry.register(name);
    edge.shard(name).statuses = statuses;
  }
  const ask = async (query: string, init: RequestInit = {}) => {
    const response = await edge.fetch(`${PATH}${query}`, { headers: { authorization: `Bearer ${TOKEN}` }, ...init });
    const text = await response.text();
    return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined };
  };
  return { edge, ask };
}

const leftOut = { series: 12, targets: [{ target: '{instance="a:9100", job="node"}', series: 12 }] };
const status = (device: string, pushedMs = NOW, extra: Partial<DeviceStatus> = {}): DeviceStatus => ({ device, pushedMs, ...extra });

describe('devices', () => {
  it('of all shards of the tenant and of no other, by name, with what they leave out', async () => {
    const { ask } = await setup({
      'acme/1/0': [status('gw-1', NOW, { leftOut }), status('gw-3')],
      'acme/1/1': [status('gw-2', NOW, { leftOut: { series: 0, targets: [] } })],
      'other/1/0': [status('gw-9')],
    });
    const { status: code, body } = await ask('?tenant=acme');
    expect(code).toBe(200);
    expect(body).toEqual({
      status: 'success',
      data: {
        devices: [status('gw-1', NOW, { leftOut }), status('gw-2', NOW, { leftOut: { series: 0, targets: [] } }), status('gw-3')],
        unreachable: [],
      },
    });
  });

  it('one of them', async () => {
    const { ask } = await setup({ 'acme/1/0': [status('gw-1'), status('gw-2')] });
    expect((await ask('?tenant=acme&device=gw-2')).body.data.devices).toEqual([status('gw-2')]);
    expect((await ask('?tenant=acme&device=gw-7')).body.data.devices).toEqual([]);
  });

  it('in pages, whichever shards they are of', async () => {
    const names = Array.from({ length: 7 }, (_, i) => `gw-${i}`);
    const of = (rest: number) => names.filter((_, i) => i % 2 === rest).map((name) => status(name));
    const { ask } = await setup({ 'acme/1/0': of(0), 'acme/1/1': of(1) });
    const page = async (after: string): Promise<ListedDevices> => (await ask(`?tenant=acme&limit=3${after}`)).body.data;
    const namesOf = ({ devices }: ListedDevices) => devices.map(({ device }) => device);
    const first = await page('');
    const second = await page(`&after=${first.next}`);
    const third = await page(`&after=${second.next}`);
    expect([first, second, third].map(namesOf)).toEqual([names.slice(0, 3), names.slice(3, 6), names.slice(6)]);
    expect(third).not.toHaveProperty('next');
  });

  it('that two generations know stand there once, as the newer push says', async () => {
    const { ask } = await setup({ 'acme/1/0': [status('gw-1', NOW - 5, { leftOut })], 'acme/2/0': [status('gw-1', NOW)] });
    expect((await ask('?tenant=acme')).body.data.devices).toEqual([status('gw-1', NOW)]);
  });

  it('without those of a shard that does not answer, and says so', async () => {
    const { edge, ask } = await setup({ 'acme/1/0': [status('gw-1')], 'acme/1/1': [status('gw-2')] });
    edge.shard('acme/1/1').result = new Error('gone');
    expect((await ask('?tenant=acme')).body.data).toEqual({ devices: [status('gw-1')], unreachable: ['acme/1/1'] });
  });

  it('as text', async () => {
    const control = String.fromCharCode(0x9b);
    const { edge, ask } = await setup({
      'acme/1/0': [
        status('gw-1', NOW, { leftOut: { series: 15, targets: [{ target: `{job="n${control}31m"}`, series: 12 }] } }),
        status('gw-2', NOW, { leftOut: { series: 0, targets: [] } }),
        status('gw-3'),
      ],
      'acme/1/1': [],
    });
    edge.shard('acme/1/1').result = new Error('gone');
    const at = new Date(NOW).toISOString();
    expect((await ask('?tenant=acme&format=text&limit=2')).text).toBe(
      [
        `gw-1: last push ${at}, 15 series left out`,
        '  {job="n?31m"} 12',
        '  other targets 3',
        `gw-2: last push ${at}, 0 series left out`,
        '# there are more after gw-2',
        '# shard acme/1/1 does not answer: its devices are missing',
        '',
      ].join('\n'),
    );
    expect((await ask('?tenant=acme&format=text&device=gw-3')).text).toContain(`gw-3: last push ${at}; what it left out is known with`);
    expect((await ask('?tenant=none&format=text')).text).toBe('# no devices that push\n');
  });

  it.each([
    ['', 'tenant: expected 1 to 64'],
    ['?tenant=a%2Fb', 'tenant: expected 1 to 64'],
    ['?tenant=acme&device=%00', 'device: expected 1 to 64'],
    ['?tenant=acme&after=a%20b', 'after: expected 1 to 64'],
    ['?tenant=acme&limit=0', 'limit: expected a number from 1 to 1000'],
    ['?tenant=acme&limit=1001', 'limit: expected a number from 1 to 1000'],
    ['?tenant=acme&format=html', 'format: expected json or text'],
  ])('%j is refused', async (query, error) => {
    const { ask } = await setup({});
    const { status: code, body } = await ask(query);
    expect([code, body.errorType]).toEqual([400, 'bad_data']);
    expect(body.error).toContain(error);
  });

  it('are for operators, and only to be read', async () => {
    const { edge, ask } = await setup({ 'acme/1/0': [status('gw-1')] });
    expect((await ask('?tenant=acme', { headers: { authorization: await edge.token() } })).status).toBe(401);
    expect((await ask('?tenant=acme', { method: 'DELETE', headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(405);
    expect((await new TestEdge().fetch(`${PATH}?tenant=acme`)).status).toBe(404);
  });
});
