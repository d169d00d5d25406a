import { describe, expect, it } from 'vitest';
import { type FetchInit, Receiver, type ReceiverOptions } from '../../../functions/forward/receiver.ts';
import { ManualClock } from '../../fakes/clock.ts';

const block = Uint8Array.of(0);

function receiver(fetch: ReceiverOptions['fetch'], options: Partial<ReceiverOptions> = {}) {
  const clock = new ManualClock();
  const target = new Receiver({
    url: 'https://receiver.test/api/v1/receive',
    kind: 'thanos',
    tenant: 'acme',
    tenantHeader: 'THANOS-TENANT',
    headers: [],
    timeoutMs: 5000,
    userAgent: 'agent-lite-relay/0',
    fetch,
    clock,
    ...options,
  });
  return { clock, target };
}

describe('Receiver', () => {
  it('sends what remote write 1.0 asks for, whatever the configuration says', async () => {
    const seen: [string, FetchInit][] = [];
    const { target } = receiver(
      async (url, init) => {
        seen.push([url, init]);
        return new Response(null, { status: 200 });
      },
      {
        headers: [
          { name: 'CF-Access-Client-Id', value: 'x' },
          { name: 'Content-Encoding', value: 'gzip' },
          { name: 'thanos-tenant', value: 'other' },
        ],
      },
    );
    expect(await target.send(block)).toMatchObject({ kind: 'done', status: 200 });
    const [url, init] = seen[0] as [string, FetchInit];
    expect(url).toBe('https://receiver.test/api/v1/receive');
    expect(init.redirect).toBe('manual');
    expect(init.headers).toEqual({
      'cf-access-client-id': 'x',
      'content-encoding': 'snappy',
      'content-type': 'application/x-protobuf',
      'x-prometheus-remote-write-version': '0.1.0',
      'user-agent': 'agent-lite-relay/0',
      'thanos-tenant': 'acme',
    });
  });

  it('names no tenant where there is no header for it', async () => {
    let headers: Record<string, string> = {};
    const { target } = receiver(
      async (_url, init) => {
        headers = init.headers;
        return new Response(null);
      },
      { tenantHeader: '' },
    );
    await target.send(block);
    expect(JSON.stringify(headers)).not.toContain('acme');
  });

  it('reads no more than 1 kB of an error and gives the connection back', async () => {
    let cancelled = false;
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(700).fill(0x61));
      },
      cancel() {
        cancelled = true;
      },
    });
    const { target } = receiver(async () => new Response(body, { status: 400 }));
    const verdict = await target.send(block);
    expect(verdict.words).toBe('a'.repeat(1024));
    expect(cancelled).toBe(true);
    expect(pulled).toBeLessThan(5);
  });

  it('does not read the body of a success, and gives the connection back', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    const { target } = receiver(async () => new Response(body, { status: 200 }));
    expect(await target.send(block)).toMatchObject({ kind: 'done' });
    expect(cancelled).toBe(true);
  });

  it('gives up after its timeout, and ends the request', async () => {
    let aborted = false;
    const { target, clock } = receiver(
      (_url, init) =>
        new Promise((_resolve, reject) => {
          init.signal.addEventListener('abort', () => {
            aborted = true;
            reject(new Error('aborted'));
          });
        }),
    );
    const verdict = target.send(block);
    await clock.advance(5000);
    expect(await verdict).toMatchObject({ kind: 'retry', status: 0 });
    expect(aborted).toBe(true);
    expect(clock.sleeping).toBe(0);
  });

  it('gives up on a body that never ends', async () => {
    const { target, clock } = receiver(async () => new Response(new ReadableStream<Uint8Array>(), { status: 503 }));
    const verdict = target.send(block);
    await clock.advance(5000);
    expect(await verdict).toMatchObject({ kind: 'retry', status: 0 });
  });

  it('takes a lost connection for a reason to try again', async () => {
    const { target, clock } = receiver(async () => {
      throw new TypeError('connection refused');
    });
    expect(await target.send(block)).toEqual({ kind: 'retry', status: 0, words: 'connection refused', afterMs: undefined, tookMs: 0 });
    expect(clock.sleeping).toBe(0);
  });

  it('tells how far the receiver’s clock is from ours, where it has a Date', async () => {
    const dates: string[] = ['Tue, 14 Nov 2023 22:15:20 GMT', 'yesterday', ''];
    const { target } = receiver(async () => {
      const date = dates.shift();
      return new Response('', { status: 409, headers: date === '' || date === undefined ? {} : { date } });
    });
    // The clock stands at 22:13:20, and a Date is in the middle of its second.
    expect((await target.send(block)).clockOffsetMs).toBe(120_500);
    expect(await target.send(block)).not.toHaveProperty('clockOffsetMs');
    expect(await target.send(block)).not.toHaveProperty('clockOffsetMs');
  });

  const waits: readonly [value: string, want: number | undefined][] = [
    ['30', 30_000],
    ['0', undefined],
    ['-5', undefined],
    ['soon', undefined],
    ['Tue, 14 Nov 2023 22:15:20 GMT', 120_000],
    ['Tue, 14 Nov 2000 22:15:20 GMT', undefined],
  ];
  it.each(waits)('Retry-After: %s', async (value, want) => {
    const { target } = receiver(async () => new Response('', { status: 503, headers: { 'retry-after': value } }));
    expect(await target.send(block)).toMatchObject({ kind: 'retry', afterMs: want });
  });
});
