import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { PUSH_PATH } from '../../contract/push.ts';
import { TOKEN_PATH, type TokenAnswer } from '../../contract/token.ts';
import { signToken } from '../../functions/auth/token.ts';
import { relayConfig, tenantWithoutRules } from '../fakes/relay-config.ts';
import { KEY, NOW, TestEdge } from '../fakes/worker.ts';

/** The headers and tokens of pages, with the Request, Response and cryptography of workerd. */

const KIOSK = 'https://kiosk.example.com';
const acme = { ...tenantWithoutRules, corsOrigins: [KIOSK], browserTokens: { lifetimeMs: 3_600_000, maxAgeMs: 86_400_000 } };
const edge = () => new TestEdge({ config: { ...relayConfig, tenants: { acme } } });
const claims = { tenant: 'acme', device: 'kiosk-1', origins: [KIOSK], issuedMs: NOW, expiresMs: NOW + 60_000 };
const asking = { origin: KIOSK, 'access-control-request-method': 'POST' };

describe('pages, in workerd', () => {
  it('are answered before they have shown a token', async () => {
    const { status, headers } = await edge().fetch(PUSH_PATH, { method: 'OPTIONS', headers: asking });
    expect([status, headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([204, KIOSK, 'Origin']);
  });

  it('may read what they are told, and exchange a token that works', async () => {
    const own = edge();
    const authorization = `Bearer ${await signToken(KEY, claims)}`;
    const renewed = await own.fetch(TOKEN_PATH, { method: 'POST', headers: { authorization, origin: KIOSK } });
    expect([renewed.status, renewed.headers.get('access-control-allow-origin')]).toEqual([200, KIOSK]);
    const { access_token } = (await renewed.json()) as TokenAnswer;
    const got = await own.send('x', { authorization: `Bearer ${access_token}`, origin: KIOSK });
    expect([got.status, got.headers.get('access-control-allow-origin')]).toEqual([400, KIOSK]);
    const elsewhere = await own.send('x', { authorization: `Bearer ${access_token}`, origin: 'https://evil.example.com' });
    expect([elsewhere.status, elsewhere.headers.get('access-control-allow-origin')]).toEqual([401, null]);
  });

  it('are not let in where no tenant has any', async () => {
    const response = await exports.default.fetch(new Request(`http://edge${PUSH_PATH}`, { method: 'OPTIONS', headers: asking }));
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, null]);
  });
});
