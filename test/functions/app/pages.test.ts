import { describe, expect, it } from 'vitest';
import { PUSH_CONTENT_TYPE, PUSH_PATH, TABLE_PATH } from '../../../contract/push.ts';
import { TOKEN_PATH, type TokenAnswer } from '../../../contract/token.ts';
import { signToken, type TokenClaims, verifyToken } from '../../../functions/auth/token.ts';
import type { TenantConfig } from '../../../functions/config/types.ts';
import { relayConfig, tenantWithoutRules } from '../../fakes/relay-config.ts';
import { KEY, NOW, TestEdge } from '../../fakes/worker.ts';

const KIOSK = 'https://kiosk.example.com';
const SHOP = 'https://shop.example.com';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const hash = '0'.repeat(32);

const edgeOf = (acme: Partial<TenantConfig> = {}, now?: () => number) =>
  new TestEdge({
    config: {
      ...relayConfig,
      tenants: {
        acme: { ...tenantWithoutRules, corsOrigins: [KIOSK], ...acme },
        globex: { ...tenantWithoutRules, corsOrigins: [SHOP] },
      },
    },
    ...(now === undefined ? {} : { now }),
  });
const bearer = async (claims: Partial<TokenClaims> = {}, key = KEY) =>
  `Bearer ${await signToken(key, { tenant: 'acme', device: 'kiosk-1', expiresMs: NOW + HOUR, issuedMs: NOW, ...claims })}`;
const ask = (edge: TestEdge, path: string, headers: Readonly<Record<string, string>>) => edge.fetch(path, { method: 'OPTIONS', headers });

describe('a preflight', () => {
  const asking = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-encoding' };

  it.each([PUSH_PATH, `${TABLE_PATH}${hash}`, TOKEN_PATH])('%s: every origin that some tenant allows, without a token', async (path) => {
    for (const origin of [KIOSK, SHOP]) {
      const response = await ask(edgeOf(), path, { ...asking, origin });
      expect(response.status).toBe(204);
      expect(Object.fromEntries(response.headers)).toEqual({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'POST, PUT, HEAD, GET',
        'access-control-allow-headers': 'authorization, content-type, content-encoding',
        'access-control-max-age': '7200',
        vary: 'Origin',
        'x-relay-version': expect.any(String),
        'x-request-id': 'request-1',
      });
    }
  });

  it.each([
    'https://evil.example.com',
    'https://kiosk.example.com.evil.com',
    'http://kiosk.example.com',
    'null',
    'HTTPS://KIOSK.EXAMPLE.COM',
  ])('tells %s nothing', async (origin) => {
    const { status, headers } = await ask(edgeOf(), PUSH_PATH, { ...asking, origin });
    expect(status).toBe(204);
    expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(headers.get('vary')).toBe('Origin');
  });

  it('is one only with both its headers; where no tenant has pages there are none', async () => {
    expect((await ask(edgeOf(), PUSH_PATH, {})).status).toBe(405);
    expect((await ask(edgeOf(), PUSH_PATH, { origin: KIOSK })).status).toBe(405);
    const { headers } = await ask(new TestEdge(), PUSH_PATH, { ...asking, origin: KIOSK });
    expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  it.each(['/metrics', '/api/v1/write', '/-/ready', '/api/v1/admin/dead-letters'])('is not answered for %s', async (path) => {
    const { headers } = await ask(edgeOf(), path, { ...asking, origin: KIOSK });
    expect(headers.has('access-control-allow-origin')).toBe(false);
    expect(headers.has('vary')).toBe(false);
  });
});

describe('who may read an answer', () => {
  const allowed = async (authorization: string | undefined, origin: string | undefined, tenant: Partial<TenantConfig> = {}) => {
    const headers = { ...(authorization === undefined ? {} : { authorization }), ...(origin === undefined ? {} : { origin }) };
    const response = await edgeOf(tenant).fetch(PUSH_PATH, { method: 'POST', body: 'x', headers });
    expect(response.headers.get('vary')).toBe('Origin');
    expect(response.headers.get('content-type')).toBe(PUSH_CONTENT_TYPE);
    const origins = response.headers.get('access-control-allow-origin');
    if (origins !== null)
      expect(response.headers.get('access-control-expose-headers')).toBe('retry-after, x-request-id, x-relay-version, date');
    return [response.status, origins];
  };

  it.each([
    ['a page of the tenant', {}, KIOSK, [400, KIOSK]],
    ['a page of another tenant: it is taken, and not told', {}, SHOP, [400, null]],
    ['no page', {}, undefined, [400, null]],
    ['a token that has ended', { expiresMs: NOW - HOUR }, KIOSK, [401, KIOSK]],
    ['a token that has ended, elsewhere', { expiresMs: NOW - HOUR }, SHOP, [401, null]],
    ['a token of an unknown tenant', { tenant: 'nobody' }, KIOSK, [401, null]],
  ] as const)('%s', async (_name, claims, origin, expected) => {
    expect(await allowed(await bearer(claims), origin)).toEqual(expected);
  });

  it('nobody, where the token is forged or there is none', async () => {
    expect(await allowed(undefined, KIOSK)).toEqual([401, null]);
    expect(await allowed(await bearer({}, 'f'.repeat(32)), KIOSK)).toEqual([401, null]);
    expect(await allowed(await bearer({ expiresMs: NOW - HOUR }, 'f'.repeat(32)), KIOSK)).toEqual([401, null]);
  });

  it('a page whose device is revoked', async () => {
    expect(await allowed(await bearer(), KIOSK, { revokedDevices: ['kiosk-1'] })).toEqual([401, KIOSK]);
  });

  it('answers about tables, too', async () => {
    const headers = { authorization: await bearer(), origin: KIOSK };
    const response = await edgeOf().fetch(`${TABLE_PATH}${hash}`, { method: 'HEAD', headers });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([404, KIOSK]);
  });
});

describe('a token that names origins', () => {
  it.each([
    ['from there', KIOSK, 400],
    ['from the other it names', SHOP, 400],
    ['from elsewhere', 'https://evil.example.com', 401],
    ['from no page', undefined, 401],
  ])('%s', async (_name, origin, status) => {
    const edge = edgeOf();
    const authorization = await bearer({ origins: [KIOSK, SHOP] });
    const got = await edge.send('x', { authorization, ...(origin === undefined ? {} : { origin }) });
    expect(got.status).toBe(status);
    if (status !== 401) return;
    expect(got.answer.message).toBe('the token is not valid');
    expect(edge.counted()).toMatchObject({ 'relay_auth_failures_total{reason="wrong_origin"}': 1 });
  });
});

describe(`POST ${TOKEN_PATH}`, () => {
  const rules = { lifetimeMs: HOUR, maxAgeMs: 10 * DAY };
  const page = { origins: [KIOSK] };
  const renew = async (edge: TestEdge, authorization: string, origin = KIOSK) =>
    edge.fetch(TOKEN_PATH, { method: 'POST', headers: { authorization, origin } });

  it('gives a fresh token of the same tenant, device and origins, as old as the first', async () => {
    const edge = edgeOf({ browserTokens: rules });
    const response = await renew(edge, await bearer({ ...page, issuedMs: NOW - DAY, expiresMs: NOW + 1000 }));
    expect(response.status).toBe(200);
    expect([response.headers.get('cache-control'), response.headers.get('access-control-allow-origin')]).toEqual(['no-store', KIOSK]);
    const answer = (await response.json()) as TokenAnswer;
    expect(answer).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600 });
    const holder = { tenant: 'acme', device: 'kiosk-1', origins: [KIOSK], issuedMs: NOW - DAY };
    expect(await verifyToken(`Bearer ${answer.access_token}`, KEY, NOW + HOUR - 1)).toEqual({ ok: true, value: holder });
    expect(await verifyToken(`Bearer ${answer.access_token}`, KEY, NOW + HOUR)).toEqual({ ok: false, error: 'expired' });
    expect(edge.counted()).toMatchObject({ 'relay_token_renewals_total{result="renewed"}': 1 });
  });

  it('goes on until max_age since the first, however often it was renewed', async () => {
    let now = NOW;
    const edge = edgeOf({ browserTokens: rules }, () => now);
    let authorization = await bearer({ ...page, expiresMs: NOW + HOUR });
    let renewals = 0;
    for (; now < NOW + 30 * DAY; now += HOUR / 2) {
      const response = await renew(edge, authorization);
      if (response.status !== 200) break;
      const { access_token, expires_in } = (await response.json()) as TokenAnswer;
      expect(now + expires_in * 1000).toBeLessThanOrEqual(NOW + 10 * DAY);
      authorization = `Bearer ${access_token}`;
      renewals++;
    }
    expect(renewals).toBe(480);
    expect(now).toBe(NOW + 10 * DAY);
    expect((await renew(edge, authorization)).status).toBe(401);
  });

  it.each([
    ['a tenant without browser_tokens', {}, page, 403, 'not_configured'],
    ['a token without origins', { browserTokens: rules }, {}, 403, 'no_origins'],
    ['a first token too long ago', { browserTokens: rules }, { ...page, issuedMs: NOW - 10 * DAY }, 403, 'max_age'],
    ['a renewed one, the first too long ago', { browserTokens: rules }, { ...page, firstIssuedMs: NOW - 10 * DAY }, 403, 'max_age'],
  ] as const)('refuses %s', async (_name, tenant, claims, status, result) => {
    const edge = edgeOf(tenant);
    const response = await renew(edge, await bearer(claims));
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([status, KIOSK]);
    expect(await response.json()).toMatchObject({ status: 'error', errorType: 'forbidden' });
    expect(edge.counted()).toMatchObject({ [`relay_token_renewals_total{result="${result}"}`]: 1 });
  });

  it('refuses a token that does not say when it was issued', async () => {
    const token = await signToken(KEY, { tenant: 'acme', device: 'kiosk-1', expiresMs: NOW + HOUR, ...page });
    expect((await renew(edgeOf({ browserTokens: rules }), `Bearer ${token}`)).status).toBe(403);
  });

  it.each([
    ['an expired token', {}, { expiresMs: NOW - 1 }, KIOSK],
    ['a revoked device', { revokedDevices: ['kiosk-1'] }, {}, KIOSK],
    ['a token of before tokens_not_before', { tokensNotBeforeMs: NOW }, { issuedMs: NOW - 1000 }, KIOSK],
    ['a renewed token whose first is of before', { tokensNotBeforeMs: NOW }, { firstIssuedMs: NOW - 1000 }, KIOSK],
    ['another origin', {}, {}, SHOP],
  ] as const)('refuses %s as any other request', async (_name, tenant, claims, origin) => {
    const response = await renew(edgeOf({ browserTokens: rules, ...tenant }), await bearer({ ...page, ...claims }), origin);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  it('takes nothing but POST', async () => {
    const response = await edgeOf().fetch(TOKEN_PATH);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});
