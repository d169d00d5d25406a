import { describe, expect, it } from 'vitest';
import { leadingReceiver, outgoingOf, receiversOf } from '../../../functions/config/routes.ts';
import type { ReceiverConfig } from '../../../functions/config/types.ts';
import { testReceiver } from '../../fakes/relay-config.ts';

const receiver = (name: string, own: Partial<ReceiverConfig> = {}): ReceiverConfig => ({ ...testReceiver, name, ...own });
const [a, b, c] = [receiver('a'), receiver('b'), receiver('c')] as const;
const config = {
  receivers: [a, b, c],
  routes: [
    { tenants: ['acme', 'globex'], receivers: ['c', 'a'] },
    { tenants: ['globex'], receivers: ['b'] },
    { tenants: '*', receivers: ['b'] },
  ],
} as const;

describe('receiversOf', () => {
  it.each([
    ['acme', ['c', 'a']],
    ['globex', ['c', 'a']],
    ['initech', ['b']],
    ['*', ['b']],
  ])('%s goes to %j', (tenant, names) => {
    expect(receiversOf(config, tenant)?.map(({ name }) => name)).toEqual(names);
  });

  it('knows no receiver of a tenant without a route', () => {
    expect(receiversOf({ ...config, routes: config.routes.slice(0, 1) }, 'initech')).toBeUndefined();
  });
});

describe('outgoingOf', () => {
  it('is what all can take, and what any wants', () => {
    const all = [
      receiver('a', { sendExemplars: false, sendMetadata: false, outOfOrderTimeWindowMs: 60_000 }),
      receiver('b', { sendMetadata: false, outOfOrderTimeWindowMs: 30_000, queue: { ...testReceiver.queue, maxSamplesPerSend: 500 } }),
    ];
    expect(outgoingOf(all)).toEqual({
      receiver: 'a',
      sendExemplars: true,
      sendMetadata: false,
      maxSamplesPerSend: 500,
      outOfOrderTimeWindowMs: 30_000,
    });
  });
});

it.each([
  ['the first that blocks', ['drop_oldest', 'block', 'block'], 1],
  ['the first, where none does', ['drop_oldest', 'drop_oldest'], 0],
] as const)('the clock that counts is that of %s', (_name, ways, index) => {
  const all = ways.map((onFull) => ({ onFull }));
  expect(leadingReceiver(all)).toBe(all[index]);
});
