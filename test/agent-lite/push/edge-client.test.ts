import { expect, it } from 'vitest';
import { EdgeClient } from '../../../agent-lite/push/edge-client.ts';
import { ManualClock } from '../../fakes/clock.ts';

it('lets the connections repeat what it sends: the edge knows a repeat by its positions', async () => {
  const seen: unknown[] = [];
  const client = new EdgeClient({
    http: {
      request: async ({ repeatable }) => {
        seen.push(repeatable);
        return { status: 404, headers: {}, body: new Uint8Array(0) };
      },
      close() {},
    },
    url: 'http://edge.test',
    timeoutMs: 1000,
    clock: new ManualClock(),
    deflate: async (bytes) => bytes,
  });
  await client.push({ logId: 'a', to: { position: 1, chain: '0000000000000000' } }, new Uint8Array(1), new AbortController().signal);
  expect(seen).toEqual([true]);
});
