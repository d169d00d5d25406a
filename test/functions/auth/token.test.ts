import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import { describeAuthFailure, isRevoked, signToken, verifyToken } from '../../../functions/auth/token.ts';

const key = '0123456789abcdef0123456789abcdef';
const now = Date.UTC(2026, 10, 22);
const seconds = now / 1000;
const good = { tenant: 'acme', sub: 'gw-1', exp: seconds + 60 };
const bearer = async (claims: Record<string, unknown>, signedWith = key, alg: 'HS256' | 'HS512' = 'HS256') =>
  `Bearer ${await sign(claims, signedWith, alg)}`;
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('verifyToken', () => {
  it('reads what signToken signed', async () => {
    const token = await signToken(key, { tenant: 'acme', device: 'gw-1', expiresMs: now + 1000 });
    expect(await verifyToken(`Bearer ${token}`, key, now)).toEqual({
      ok: true,
      value: { tenant: 'acme', device: 'gw-1', issuedMs: undefined, origins: undefined },
    });
    expect(await verifyToken(`bearer ${token}`, key, now)).toMatchObject({ ok: true });
  });

  it('goes by the clock it is given, to the second', async () => {
    const header = await bearer({ ...good, exp: seconds + 1 });
    expect(await verifyToken(header, key, now + 999)).toMatchObject({ ok: true });
    expect(await verifyToken(header, key, now + 1000)).toEqual({ ok: false, error: 'expired' });
  });

  const refused: readonly [name: string, header: () => Promise<string | undefined> | string | undefined, reason: string][] = [
    ['no header', () => undefined, 'missing'],
    ['an empty header', () => '', 'missing'],
    ['another scheme', () => 'Basic Z3ctMTpwdw==', 'malformed'],
    ['a word', () => 'Bearer secret', 'malformed'],
    ['two parts', () => `Bearer ${part({ alg: 'HS256' })}.${part(good)}`, 'malformed'],
    ['parts that are not JSON', () => 'Bearer aaaa.bbbb.cccc', 'malformed'],
    ['a header of 5 kB', () => `Bearer ${'a'.repeat(5000)}.b.c`, 'malformed'],
    ['a token with words behind it', async () => `${await bearer(good)} x`, 'malformed'],
    ['alg none', () => `Bearer ${part({ alg: 'none', typ: 'JWT' })}.${part(good)}.AA`, 'malformed'],
    ['another alg with the right key', () => bearer(good, key, 'HS512'), 'malformed'],
    ['another key', () => bearer(good, 'f'.repeat(32)), 'bad_signature'],
    ['an expired one with another key', () => bearer({ ...good, exp: 1 }, 'f'.repeat(32)), 'bad_signature'],
    ['an expired one', () => bearer({ ...good, exp: seconds }), 'expired'],
    ['one for tomorrow', () => bearer({ ...good, nbf: seconds + 1 }), 'not_yet_valid'],
    ['no expiry', () => bearer({ tenant: 'acme', sub: 'gw-1' }), 'bad_claims'],
    ['an expiry that is text', () => bearer({ ...good, exp: '9999999999' }), 'bad_claims'],
    ['a time of issue that is text', () => bearer({ ...good, iat: 'now' }), 'bad_claims'],
    ['a time of first issue that is text', () => bearer({ ...good, orig_iat: 'now' }), 'bad_claims'],
    ['origins that are a text', () => bearer({ ...good, origins: 'https://kiosk.example.com' }), 'bad_claims'],
    ['no origin in the list', () => bearer({ ...good, origins: [] }), 'bad_claims'],
    ['a pattern as origin', () => bearer({ ...good, origins: ['https://*.example.com'] }), 'bad_claims'],
    ['17 origins', () => bearer({ ...good, origins: Array(17).fill('https://kiosk.example.com') }), 'bad_claims'],
    ['no tenant', () => bearer({ sub: 'gw-1', exp: seconds + 60 }), 'bad_claims'],
    ['a tenant that is a number', () => bearer({ ...good, tenant: 1 }), 'bad_claims'],
    ['a tenant with a slash', () => bearer({ ...good, tenant: 'a/0' }), 'bad_claims'],
    ['a device with a line end', () => bearer({ ...good, sub: 'gw-1\n' }), 'bad_claims'],
    ['an empty device', () => bearer({ ...good, sub: '' }), 'bad_claims'],
    ['a device of 65 letters', () => bearer({ ...good, sub: 'a'.repeat(65) }), 'bad_claims'],
  ];
  it.each(refused)('refuses %s', async (_name, header, reason) => {
    expect(await verifyToken(await header(), key, now)).toEqual({ ok: false, error: reason });
  });

  it('refuses claims that are not an object', async () => {
    const header = part({ alg: 'HS256', typ: 'JWT' });
    const { createHmac } = await import('node:crypto');
    for (const claims of ['null', '1', '"x"', '[]']) {
      const signed = `${header}.${Buffer.from(claims).toString('base64url')}`;
      const signature = createHmac('sha256', key).update(signed).digest('base64url');
      expect(await verifyToken(`Bearer ${signed}.${signature}`, key, now)).toEqual({ ok: false, error: 'bad_claims' });
    }
  });
});

it('says the same of every bad token but an expired one', () => {
  const words = (
    ['malformed', 'bad_signature', 'not_yet_valid', 'bad_claims', 'wrong_user', 'wrong_origin', 'revoked', 'unknown_tenant'] as const
  ).map(describeAuthFailure);
  expect(new Set(words).size).toBe(1);
  expect(words).not.toContain(describeAuthFailure('expired'));
});

describe('isRevoked', () => {
  const issuedMs = now - 60_000;
  it.each([
    ['a device on the list', { revokedDevices: ['gw-1'], tokensNotBeforeMs: undefined }, issuedMs, true],
    ['another device on the list', { revokedDevices: ['gw-2'], tokensNotBeforeMs: undefined }, issuedMs, false],
    ['a token of before', { revokedDevices: [], tokensNotBeforeMs: issuedMs + 1 }, issuedMs, true],
    ['a token of that moment', { revokedDevices: [], tokensNotBeforeMs: issuedMs }, issuedMs, false],
    ['a token that does not say when', { revokedDevices: [], tokensNotBeforeMs: 0 }, undefined, true],
    ['a token that does not say when, and nobody asks', { revokedDevices: [], tokensNotBeforeMs: undefined }, undefined, false],
  ])('%s', (_name, tenant, issued, revoked) => {
    const rules = { ...tenant, revokedDevices: new Set(tenant.revokedDevices) };
    expect(isRevoked({ device: 'gw-1', issuedMs: issued }, rules)).toBe(revoked);
  });

  it('knows a token by the second in which it was issued', async () => {
    const token = await signToken(key, { tenant: 'acme', device: 'gw-1', expiresMs: now + 1000, issuedMs: now + 999 });
    expect(await verifyToken(`Bearer ${token}`, key, now)).toMatchObject({ ok: true, value: { issuedMs: Math.floor(now / 1000) * 1000 } });
  });
});

describe('signToken', () => {
  it.each([
    ['a tenant with a slash', { tenant: 'a/b', device: 'd', expiresMs: now }],
    ['an empty device', { tenant: 'a', device: '', expiresMs: now }],
    ['a time that is not a number', { tenant: 'a', device: 'd', expiresMs: Number.NaN }],
  ])('refuses %s', async (_name, claims) => {
    await expect(signToken(key, claims)).rejects.toThrow(RangeError);
  });
});
