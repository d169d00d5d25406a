import { env } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { defaultReceiver } from '../../functions/config/defaults.ts';
import { receiverFaults, receiverOf } from '../../functions/send.ts';

const receiver = {
  ...defaultReceiver,
  name: 'central',
  url: 'http://receive.internal:19291/api/v1/receive',
  kind: 'thanos',
  tenantHeader: 'THANOS-TENANT',
  binding: 'RECEIVE_NETWORK',
  authorization: { kind: 'basic', username: 'relay', password: { env: 'ADMIN_TOKEN' } },
} as const;

// A service binding stands for those of mtls_certificates and vpc_services: the platform gives all three a fetch of the same kind.
it('sends to a receiver by a binding of the Worker, with the address and headers that are configured', async () => {
  const bindings = { ...env };
  expect(receiverFaults(receiver, bindings)).toEqual([]);
  const { kind, status, words } = await receiverOf(receiver, 'acme', bindings).send(Uint8Array.of(0));
  expect([kind, status]).toEqual(['split', 400]);
  expect(JSON.parse(words)).toEqual({
    method: 'POST',
    url: receiver.url,
    tenant: 'acme',
    authorization: `Basic ${btoa(`relay:${env.ADMIN_TOKEN}`)}`,
    encoding: 'snappy',
    bytes: 1,
  });
});
