import { describe, expect, it } from 'vitest';
import { randomBytes } from '../../../agent-lite/platform/random.ts';

describe('random bytes', () => {
  it.each([
    ['of the kernel', undefined],
    ['where the kernel has no file of them', '/nowhere/urandom'],
    ['where the file ends', '/dev/null'],
  ])('%s are as many as asked for, and others each time', (_name, file) => {
    const given = Array.from({ length: 20 }, () => Buffer.from(randomBytes(16, file)).toString('hex'));
    expect(new Set(given).size).toBe(20);
    expect(given.every((text) => text.length === 32 && text !== '0'.repeat(32))).toBe(true);
  });
});
