import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../functions/shard/token-bucket.ts';

describe('TokenBucket', () => {
  it('gives a burst at once, then the rate', () => {
    const bucket = new TokenBucket(100, 1000, 0);
    expect(bucket.waitMs(1000, 0)).toBe(0);
    bucket.take(1000, 0);
    expect(bucket.waitMs(100, 0)).toBe(1000);
    expect(bucket.waitMs(100, 999)).toBe(1);
    expect(bucket.waitMs(100, 1000)).toBe(0);
  });

  it('lets pass what is larger than the burst, and has it paid off', () => {
    const bucket = new TokenBucket(100, 1000, 0);
    expect(bucket.waitMs(5000, 0)).toBe(0);
    bucket.take(5000, 0);
    expect(bucket.waitMs(1, 0)).toBe(40_010);
    expect(bucket.waitMs(5000, 0)).toBe(50_000);
    expect(bucket.waitMs(5000, 50_000)).toBe(0);
  });

  it('saves up no more than the burst', () => {
    const bucket = new TokenBucket(100, 1000, 0);
    bucket.take(1000, 0);
    expect(bucket.level(1_000_000)).toBe(1000);
  });

  it('gives nothing for a clock that is set back, and does not stop for it', () => {
    const bucket = new TokenBucket(100, 1000, 1_000_000);
    bucket.take(1000, 1_000_000);
    expect(bucket.waitMs(100, 0)).toBe(1000);
    bucket.take(0, 0);
    expect(bucket.waitMs(100, 1000)).toBe(0);
  });

  it('has no limit at a rate of 0', () => {
    const bucket = new TokenBucket(0, 0, 0);
    bucket.take(1e9, 0);
    expect(bucket.waitMs(1e9, 0)).toBe(0);
  });
});
