import { describe, expect, it } from 'vitest';
import { defaultReceiver } from '../../functions/config/defaults.ts';
import type { ReceiverConfig } from '../../functions/config/types.ts';
import type { FetchInit } from '../../functions/forward/receiver.ts';
import { receiverFaults, receiverOf } from '../../functions/send.ts';

const config = (own: Partial<ReceiverConfig>): ReceiverConfig => ({
  ...defaultReceiver,
  name: 'central',
  url: 'http://receive.internal/api/v1/receive',
  kind: 'thanos',
  tenantHeader: 'THANOS-TENANT',
  binding: 'NETWORK',
  ...own,
});

/** A binding as the platform makes them: its fetch is a method of the object. */
class Service {
  readonly requests: { readonly url: string; readonly init: FetchInit }[] = [];

  async fetch(url: string, init: FetchInit): Promise<Response> {
    this.requests.push({ url, init });
    return new Response(null, { status: 204 });
  }
}

async function sentHeaders(own: Partial<ReceiverConfig>, bindings: Readonly<Record<string, unknown>> = {}) {
  const service = new Service();
  const verdict = await receiverOf(config(own), 'acme', { NETWORK: service, ...bindings }).send(Uint8Array.of(0));
  expect(verdict.kind).toBe('done');
  return service.requests[0]?.init.headers ?? {};
}

describe('receiverOf', () => {
  it('sends by the binding that is named', async () => {
    const service = new Service();
    await receiverOf(config({}), 'acme', { NETWORK: service }).send(Uint8Array.of(0));
    expect(service.requests.map(({ url, init }) => [url, init.headers['thanos-tenant'], init.redirect])).toEqual([
      ['http://receive.internal/api/v1/receive', 'acme', 'manual'],
    ]);
  });

  it.each<[string, Partial<ReceiverConfig>, Record<string, string>, string]>([
    [
      'basic authentication',
      { authorization: { kind: 'basic', username: 'relay', password: { env: 'PASSWORD' } } },
      { PASSWORD: 'pass:wörd\n' },
      `Basic ${Buffer.from('relay:pass:wörd').toString('base64')}`,
    ],
    [
      'a user who is a secret too',
      { authorization: { kind: 'basic', username: { env: 'USER' }, password: { env: 'PASSWORD' } } },
      { USER: 'me', PASSWORD: 'x' },
      `Basic ${Buffer.from('me:x').toString('base64')}`,
    ],
    ['a bearer token', { authorization: { kind: 'token', type: 'Bearer', credentials: { env: 'TOKEN' } } }, { TOKEN: 't' }, 'Bearer t'],
    ['another scheme', { authorization: { kind: 'token', type: 'Token', credentials: { env: 'TOKEN' } } }, { TOKEN: 't' }, 'Token t'],
    ['a header', { headers: [{ name: 'Authorization', value: { env: 'WHOLE' } }] }, { WHOLE: 'Bearer w' }, 'Bearer w'],
  ])('shows %s', async (_name, own, secrets, header) => {
    expect((await sentHeaders(own, secrets))['authorization']).toBe(header);
  });

  it('shows nothing where nothing is configured', async () => {
    expect(await sentHeaders({})).not.toHaveProperty('authorization');
  });
});

describe('receiverFaults', () => {
  it.each<[string, Partial<ReceiverConfig>, Record<string, unknown>, string[]]>([
    ['all there', { headers: [{ name: 'X-A', value: 'text' }] }, { NETWORK: new Service() }, []],
    ['the platform’s own fetch', { binding: '' }, {}, []],
    [
      'no binding',
      {},
      {},
      [
        'receiver central: binding: expected a binding NETWORK that has a fetch, got none. Add it to wrangler.toml (infra/deploy.md, "Reaching Thanos Receive").',
      ],
    ],
    [
      'a secret where the binding should be',
      {},
      { NETWORK: 'text' },
      [
        'receiver central: binding: expected a binding NETWORK that has a fetch, got none. Add it to wrangler.toml (infra/deploy.md, "Reaching Thanos Receive").',
      ],
    ],
    [
      'no secrets',
      {
        binding: '',
        headers: [{ name: 'X-A', value: { env: 'A' } }],
        authorization: { kind: 'basic', username: { env: 'B' }, password: { env: 'C' } },
      },
      { B: '\n', C: 3 },
      [
        'receiver central: headers.X-A: expected the secret A, got none. Set it with `wrangler secret put A`.',
        'receiver central: basic_auth.username: expected the secret B, got none. Set it with `wrangler secret put B`.',
        'receiver central: basic_auth.password: expected the secret C, got none. Set it with `wrangler secret put C`.',
      ],
    ],
    [
      'no token',
      { binding: '', authorization: { kind: 'token', type: 'Bearer', credentials: { env: 'T' } } },
      {},
      ['receiver central: authorization.credentials: expected the secret T, got none. Set it with `wrangler secret put T`.'],
    ],
  ])('%s', (_name, own, bindings, faults) => {
    expect(receiverFaults(config(own), bindings)).toEqual(faults);
    if (faults.length > 0) expect(() => receiverOf(config(own), 'acme', bindings)).toThrow(faults[0]);
  });
});
