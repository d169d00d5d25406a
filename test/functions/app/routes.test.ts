import { expect, it } from 'vitest';
import { relayConfig, tenantWithoutRules, testReceiver } from '../../fakes/relay-config.ts';
import { TestEdge } from '../../fakes/worker.ts';

const HOUR = 3_600_000;

/** `acme` goes to a receiver that keeps order, `globex` to one with a window, `initech` to both. */
const config = {
  ...relayConfig,
  receivers: [
    { ...testReceiver, name: 'strict' },
    { ...testReceiver, name: 'wide', outOfOrderTimeWindowMs: 2 * HOUR, queue: { ...testReceiver.queue, maxSamplesPerSend: 100 } },
  ],
  routes: [
    { tenants: ['acme'], receivers: ['strict'] },
    { tenants: ['globex'], receivers: ['wide'] },
    { tenants: '*', receivers: ['wide', 'strict'] },
  ],
  tenants: { acme: tenantWithoutRules, '*': tenantWithoutRules },
} as const;

it('gives each tenant what all receivers of its route can take', () => {
  const { edge } = new TestEdge({ config });
  expect(edge.tenant('acme')).toMatchObject({ freshWindowMs: 0, outgoing: { receiver: 'strict', maxSamplesPerSend: 2000 } });
  expect(edge.tenant('globex')).toMatchObject({ freshWindowMs: 2 * HOUR, outgoing: { receiver: 'wide', maxSamplesPerSend: 100 } });
  expect(edge.tenant('initech')).toMatchObject({ freshWindowMs: 0, outgoing: { receiver: 'wide', maxSamplesPerSend: 100 } });
});

it('gives several shards only to tenants of which every receiver takes late samples', async () => {
  const { edge } = new TestEdge({ config });
  const shardsOf = async (tenant: string) => {
    const names = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => (await edge.layouts.place({ tenant, device: `gw-${i}` })).name),
    );
    return new Set(names).size;
  };
  expect([await shardsOf('acme'), await shardsOf('globex'), await shardsOf('initech')]).toEqual([1, 4, 1]);
});

it('keeps the clocks of receivers apart, and has one for all tenants of a receiver', () => {
  const { edge } = new TestEdge({ config });
  const timeOf = (tenant: string) => edge.tenant(tenant)?.receiverTime;
  timeOf('globex')?.learn(HOUR, 0);
  expect([timeOf('acme')?.disputed, timeOf('globex')?.disputed, timeOf('initech')?.disputed]).toEqual([false, true, true]);
});

it('does not know a tenant without a route', () => {
  const { edge } = new TestEdge({ config: { ...config, routes: config.routes.slice(0, 1) } });
  expect([edge.tenant('acme') === undefined, edge.tenant('globex') === undefined]).toEqual([false, true]);
});
