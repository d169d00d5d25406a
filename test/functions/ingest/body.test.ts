import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inflate, readBody } from '../../../functions/ingest/body.ts';
import { MemoryBudget } from '../../../functions/ingest/memory-budget.ts';

const chunked = (...sizes: number[]) => {
  const rest = sizes.values();
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = rest.next();
      if (next.done) controller.close();
      else controller.enqueue(new Uint8Array(next.value).fill(next.value));
    },
  });
};
const request = (body: ReadableStream<Uint8Array> | null, length?: string) => ({
  body: body as Request['body'],
  headers: new Headers(length === undefined ? {} : { 'content-length': length }),
});

describe('readBody', () => {
  const cases: readonly [name: string, request: ReturnType<typeof request>, expected: string | number, held: number][] = [
    ['no body', request(null), 0, 0],
    ['chunks', request(chunked(1, 2, 3)), 6, 6],
    ['a declared length', request(chunked(4, 2), '6'), 6, 6],
    ['more than declared', request(chunked(4, 4), '6'), 8, 8],
    ['a length that is none', request(chunked(4), 'many'), 4, 4],
    ['a declared length over the limit', request(chunked(1), '11'), 'too_large', 0],
    ['more than the limit without saying', request(chunked(6, 6)), 'too_large', 6],
    ['more than the memory there is now', request(chunked(6, 4)), 'busy', 6],
    ['a declared length of more than the memory there is now', request(chunked(6), '10'), 'busy', 0],
  ];
  it.each(cases)('%s', async (_name, given, expected, held) => {
    const budget = new MemoryBudget(100, () => 0);
    budget.open().grow(91);
    const memory = budget.open();
    const result = await readBody(given, 10, memory);
    expect(result.ok ? result.value.length : result.error).toBe(expected);
    expect(budget.used - 91).toBe(held);
    memory.release();
    expect(budget.used).toBe(91);
  });

  /** As bodies of requests are, of the sizes that are read at once. */
  const bytes = (size: number, pieces: number, fails = false) => {
    let left = pieces;
    return new ReadableStream({
      type: 'bytes',
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(size / pieces).fill(7));
        else if (fails) controller.error(new Error('gone'));
        else {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
    });
  };
  const large: readonly [name: string, size: number, declared: number, fails: boolean, expected: string | number][] = [
    ['as many as are declared', 20_000, 20_000, false, 20_000],
    ['fewer', 20_000, 30_000, false, 20_000],
    ['more', 30_000, 20_000, false, 30_000],
    ['more than the limit', 60_000, 20_000, false, 'too_large'],
    ['a body that breaks off', 20_000, 30_000, true, 'malformed'],
  ];
  it.each(large)('many bytes: %s', async (_name, size, declared, fails, expected) => {
    const memory = new MemoryBudget(100_000, () => 0).open();
    const result = await readBody(request(bytes(size, 5, fails), String(declared)), 50_000, memory);
    expect(result.ok ? result.value.length : result.error).toBe(expected);
    if (result.ok) expect(new Set(result.value)).toEqual(new Set([7]));
  });

  it('calls a body that breaks off malformed', async () => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('gone')) });
    expect(await readBody(request(body), 10, new MemoryBudget(100, () => 0).open())).toEqual({ ok: false, error: 'malformed' });
  });

  it('reads a refused body to its end, so that the sender sees the answer, but not without bound', async () => {
    const read = async (chunks: number, length?: string) => {
      let given = 0;
      let cancelled = false;
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (given++ < chunks) controller.enqueue(new Uint8Array(1024 * 1024));
            else controller.close();
          },
          cancel: () => {
            cancelled = true;
          },
        },
        { highWaterMark: 0 },
      );
      expect(await readBody(request(body, length), 10, new MemoryBudget(100, () => 0).open())).toEqual({ ok: false, error: 'too_large' });
      return { given, cancelled };
    };
    expect(await read(6, '6291456')).toEqual({ given: 7, cancelled: false });
    expect(await read(6)).toEqual({ given: 7, cancelled: false });
    expect(await read(1000)).toEqual({ given: 9, cancelled: true });
    expect(await read(1000, '1048576000')).toEqual({ given: 0, cancelled: true });
  });

  it('asks for less where the body alone is larger than the budget', async () => {
    expect(await readBody(request(chunked(9)), 10, new MemoryBudget(8, () => 0).open())).toEqual({ ok: false, error: 'too_large' });
  });
});

describe('inflate', () => {
  const deflated = deflateSync(new Uint8Array(1000));
  it.each([
    ['up to the limit', deflated, 1000, 1000],
    ['beyond the limit', deflated, 999, 'too_large'],
    ['cut off', deflated.subarray(0, -6), 1000, 'malformed'],
    ['nothing', new Uint8Array(0), 1000, 'malformed'],
    ['text', new TextEncoder().encode('hello'), 1000, 'malformed'],
  ])('%s', (_name, body, limit, expected) => {
    const result = inflate(body, limit);
    expect(result.ok ? result.value.length : result.error).toBe(expected);
  });
});
