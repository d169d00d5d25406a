import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { createHttpClient } from '../../../agent-lite/http/client.ts';
import type { Scrape } from '../../../agent-lite/model.ts';
import { sleep } from '../../../agent-lite/platform/sleep.ts';
import { settle } from '../../fakes/clock.ts';
import { type Answer, endless, exposition, hang, stall, startTarget, status } from '../../fakes/target.ts';
import { samplesOf, setup } from './harness.ts';

/** The whole way over real sockets: a good scrape, one that goes wrong, and a good one again. */
const MiB = 1024 * 1024;
const cases: [name: string, answer: Answer, error: string][] = [
  ['answers 500', status(500, 'boom'), 'expected HTTP status 200, got 500'],
  ['hangs', hang, 'expected a whole answer within 200 ms, got none'],
  ['stalls', stall, 'expected a whole answer within 200 ms, got none'],
  ['never ends', endless, 'body_size_limit: expected less than 100000 bytes, got more'],
  [
    'sends a gzip bomb',
    exposition(gzipSync(new Uint8Array(64 * MiB)), { 'content-encoding': 'gzip' }),
    'body_size_limit: expected less than 100000 bytes',
  ],
  ['sends invalid text', exposition('c 1\nb = 2\n'), 'line 2: expected a sample value, got "= 2"'],
  [
    'sends bytes that are not UTF-8',
    exposition(Uint8Array.of(0x61, 0x7b, 0x62, 0x3d, 0x22, 0xff, 0x22, 0x7d, 0x31)),
    'line 1: expected UTF-8 text',
  ],
  ['sends HTML', (_, response) => response.setHeader('content-type', 'text/html').end('<html>'), 'content type: expected text/plain'],
  ['hangs up', (_, response) => void response.destroy(), 'socket hang up'],
];

it.each(cases)('a target that %s', async (_, answer, error) => {
  const target = await startTarget(exposition(gzipSync('a 1\nb 2\n'), { 'content-encoding': 'gzip' }));
  let appended: (scrape: Scrape) => void = () => {};
  const { manager, clock, apply } = setup({
    append: (scrape) => appended(scrape),
    httpClientFor: (config) =>
      createHttpClient(config.http, {
        readFile,
        clock: {
          boot: () => performance.now(),
          sleep,
        },
      }),
  });
  const next = async (): Promise<Record<string, number | 'stale'>> => {
    const scrape = new Promise<Scrape>((resolve) => {
      appended = resolve;
    });
    // The loop goes to sleep only after it has handed over the scrape before.
    await settle();
    await clock.advance(clock.untilNext ?? expect.fail('the loop does not sleep'));
    return samplesOf(await scrape);
  };
  try {
    apply([target.address], { scrapeTimeoutMs: 200, bodySizeLimit: 100_000 });
    expect(await next()).toMatchObject({ a: 1, b: 2, up: 1 });
    const good = target.answer;
    target.answer = answer;
    expect(await next()).toMatchObject({ a: 'stale', b: 'stale', up: 0 });
    expect(manager.targets()).toMatchObject([{ health: 'down', error: expect.stringContaining(error) }]);
    target.answer = good;
    expect(await next()).toMatchObject({ a: 1, b: 2, up: 1 });
  } finally {
    await manager.stop();
    await target.close();
  }
});
