import { expect, it } from 'vitest';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateProtobuf } from './mutate-protobuf.ts';
import { Random } from './random.ts';
import { defaultBounds, examine, fuzz } from './run.ts';
import { type FuzzTarget, must } from './target.ts';

/** The runner must find what is broken; otherwise the silence of the others says nothing. */
const target = (check: (input: Uint8Array) => void): FuzzTarget => ({
  name: 'test',
  promise: 'none',
  seeds: async () => [Uint8Array.from({ length: 64 }, (_, i) => i)],
  mutate: mutateBytes,
  check: async (input) => {
    check(input);
    return 'accepted';
  },
});
const run = (check: (input: Uint8Array) => void, inputs = 2000) => fuzz(target(check), { seed: 1, goesOn: (tried) => tried < inputs });

it('finds a broken promise and an unexpected error, each once, as short as they can be', async () => {
  const { findings } = await run((input) => {
    must(!input.includes(0xff), 'no byte may be 255');
    if (input.includes(0xfe)) throw new TypeError('254 is not a function');
  });
  expect(findings.map(({ message }) => message.split('\n')[0]).sort()).toEqual([
    'BrokenPromise: no byte may be 255',
    'TypeError: 254 is not a function',
  ]);
  expect(findings.map(({ input }) => input.length)).toEqual([1, 1]);
});

it('finds nothing where nothing is broken, and says how much it tried', async () => {
  expect(await run(() => undefined, 100)).toMatchObject({ inputs: 100, accepted: 100, findings: [] });
});

it('finds an input that takes too long', async () => {
  const slow = target(() => {
    for (const until = performance.now() + 200; performance.now() < until; );
  });
  await expect(examine(slow, new Uint8Array(1), { ...defaultBounds, cpuMs: 10 })).rejects.toThrow(/time: expected at most 10 ms/);
  await expect(
    examine(
      target(() => undefined),
      new Uint8Array(1),
    ),
  ).resolves.toBe('accepted');
});

it('finds an input that takes too much memory', async () => {
  // The most that a process ever had starts with what the one that started it had.
  const most = (): number => process.resourceUsage().maxRSS;
  const greedy = target(() => {
    const kept: Uint8Array[] = [];
    for (const before = most(); most() - before < 96 * 1024 && kept.length < 64; ) kept.push(new Uint8Array(64 * 1024 ** 2).fill(1));
  });
  await expect(examine(greedy, new Uint8Array(1), { ...defaultBounds, growthBytes: 64 * 1024 ** 2 })).rejects.toThrow(
    /memory: expected at most/,
  );
});

it('gives the same inputs for the same seed', async () => {
  const inputs = async (): Promise<string> => {
    const seen: Uint8Array[] = [];
    await fuzz(
      target(() => undefined),
      { seed: 7, goesOn: (tried) => tried < 50, onInput: (input) => void seen.push(input) },
    );
    return Buffer.concat(seen).toString('hex');
  };
  expect(await inputs()).toBe(await inputs());
});

it('changes fields of a protobuf message so that it mostly stays one', () => {
  const random = new Random(3);
  const message = Uint8Array.of(0x0a, 4, 0x0a, 2, 0x61, 0x62, 0x10, 5);
  let different = 0;
  for (let i = 0; i < 200; i++) if (Buffer.compare(mutateProtobuf(message, message, random), message) !== 0) different++;
  expect(different).toBeGreaterThan(150);
});
