import { describe, expect, it } from 'vitest';
import { verifySender } from '../../../functions/auth/basic.ts';
import { KnownTokens } from '../../../functions/auth/known-tokens.ts';
import { signToken, verifyToken } from '../../../functions/auth/token.ts';

const key = '0123456789abcdef0123456789abcdef';
const otherKey = 'f'.repeat(32);
const now = Date.UTC(2026, 10, 22);
const token = await signToken(key, { tenant: 'acme', device: 'gw-1', expiresMs: now + 60_000 });
const header = `Bearer ${token}`;
const holder = { ok: true, value: { tenant: 'acme', device: 'gw-1' } };

describe('a known token', () => {
  it('needs no second look at its signature', async () => {
    const known = new KnownTokens();
    expect(await verifyToken(header, otherKey, now, known)).toEqual({ ok: false, error: 'bad_signature' });
    expect(await verifyToken(header, key, now, known)).toMatchObject(holder);
    // By the other key it can be seen that nobody looks.
    expect(await verifyToken(header, otherKey, now, known)).toMatchObject(holder);
    expect(await verifySender(`Basic ${btoa(`gw-1:${token}`)}`, otherKey, now, known)).toMatchObject(holder);
    expect(await verifySender(`Basic ${btoa(`gw-2:${token}`)}`, otherKey, now, known)).toEqual({ ok: false, error: 'wrong_user' });
    expect(await verifyToken(header, otherKey, now)).toEqual({ ok: false, error: 'bad_signature' });
  });

  it('ends when it says', async () => {
    const known = new KnownTokens();
    expect(await verifyToken(header, key, now + 59_999, known)).toMatchObject(holder);
    expect(await verifyToken(header, key, now + 60_000, known)).toEqual({ ok: false, error: 'expired' });
  });

  it('is known by every letter of it', async () => {
    const known = new KnownTokens();
    await verifyToken(header, key, now, known);
    const letters = token.split('');
    for (let i = 0; i < letters.length; i++) {
      const forged = letters.with(i, letters[i] === 'A' ? 'B' : 'A').join('');
      expect(known.get(forged)).toBeUndefined();
      expect(await verifyToken(`Bearer ${forged}`, otherKey, now, known)).toMatchObject({ ok: false });
    }
  });

  it('is forgotten where thousands came after it, or where it is long', () => {
    const known = new KnownTokens();
    known.add('first', { n: 1 });
    known.add('second', { n: 2 });
    for (let i = 0; i < 4094; i++) known.add(`t${i}`, {});
    expect(known.get('first')).toEqual({ n: 1 });
    known.add('one more', {});
    expect([known.get('first'), known.get('second')]).toEqual([{ n: 1 }, undefined]);
    known.add('x'.repeat(513), {});
    expect(known.get('x'.repeat(513))).toBeUndefined();
  });
});
