import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nextChain } from '../../contract/chain.ts';
import { NO_CHAIN } from '../../contract/push.ts';

/** The chain is stored on devices and on the edge: these values may never change. */
it('has the values it always had', () => {
  const first = nextChain(NO_CHAIN, new Uint8Array(0));
  const second = nextChain(first, Uint8Array.from([1, 2, 3]));
  const third = nextChain(second, new Uint8Array(1000).fill(0xff));
  expect([first, second, third]).toEqual(GOLDEN);
});
const GOLDEN = ['7aba868bbb676f0b', '9e439021144b76ee', '5218b02aaba89219'];

it('depends on every byte, on their order, on their number and on the chain before', () => {
  const start = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'));
  fc.assert(
    fc.property(start, start, fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (before, other, a, b) => {
      const same = before === other && Buffer.compare(a, b) === 0;
      expect(nextChain(before, a) === nextChain(other, b)).toBe(same);
      expect(nextChain(before, Uint8Array.from([...a, 0]))).not.toBe(nextChain(before, a));
      expect(nextChain(before, a)).toMatch(/^[0-9a-f]{16}$/);
    }),
  );
});

it('gives no two equal values over a hundred thousand short records', () => {
  const seen = new Set<string>();
  const payload = new Uint8Array(4);
  for (let i = 0; i < 100_000; i++) {
    new DataView(payload.buffer).setUint32(0, i, true);
    seen.add(nextChain(NO_CHAIN, payload));
  }
  expect(seen.size).toBe(100_000);
});
