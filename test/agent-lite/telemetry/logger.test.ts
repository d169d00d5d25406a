import { describe, expect, it } from 'vitest';
import { createLogger, type LogFormat } from '../../../agent-lite/telemetry/logger.ts';
import { ManualClock } from '../../fakes/clock.ts';

const START = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function setup(format: LogFormat = 'logfmt', level: 'debug' | 'info' | 'warn' | 'error' = 'info') {
  const clock = new ManualClock({ now: START });
  const lines: string[] = [];
  const logger = createLogger({ level, format, clock, write: (line) => lines.push(line) });
  /** The lines since the last call. */
  const take = (): string[] => lines.splice(0);
  return { clock, logger, take };
}

describe('a line', () => {
  it.each([
    ['bare words stay bare', { job: 'node', url: 'http://127.0.0.1:9100/metrics' }, 'job=node url=http://127.0.0.1:9100/metrics'],
    ['spaces are quoted', { err: 'connection refused' }, 'err="connection refused"'],
    ['an empty value is quoted', { a: '' }, 'a=""'],
    ['a newline cannot start a line of its own', { a: 'x\nlevel=ERROR' }, 'a="x\\nlevel=ERROR"'],
    ['quotes and = are quoted', { a: 'b="c"' }, 'a="b=\\"c\\""'],
    ['numbers and booleans', { n: 1.5, b: true }, 'n=1.5 b=true'],
    ['undefined is left out', { a: undefined, b: 1 }, 'b=1'],
    ['an error gives its message and its causes', { err: new Error('push', { cause: new Error('ECONNRESET') }) }, 'err="push: ECONNRESET"'],
    ['objects are JSON', { o: { a: 1 } }, 'o="{\\"a\\":1}"'],
  ])('logfmt: %s', (_, fields, expected) => {
    const { logger, take } = setup();
    logger.log('info', 'Hello there', fields);
    expect(take()).toEqual([`time=2026-01-02T03:04:05.678Z level=INFO msg="Hello there" ${expected}\n`]);
  });

  it('JSON has the same keys', () => {
    const { logger, take } = setup('json');
    logger.log('warn', 'Hello', { job: 'a"b', n: 2 });
    expect(take().map((line) => JSON.parse(line))).toEqual([
      { time: '2026-01-02T03:04:05.678Z', level: 'WARN', msg: 'Hello', job: 'a"b', n: '2' },
    ]);
  });

  it('clips what a target could make huge', () => {
    const { logger, take } = setup();
    logger.log('info', 'x', { err: 'y'.repeat(1_000_000) });
    expect(take()[0]?.length).toBeLessThan(2_200);
  });

  it('is left out below the level', () => {
    const { logger, take } = setup('logfmt', 'warn');
    logger.log('debug', 'a');
    logger.log('info', 'b');
    logger.log('warn', 'c');
    expect(take()).toHaveLength(1);
  });
});

describe('an equal error', () => {
  it('is written once a minute, with the number left out', async () => {
    const { clock, logger, take } = setup();
    for (let second = 0; second < 130; second++) {
      logger.log('error', 'Push failed', { url: 'http://edge', err: `timeout after ${10_000 + second} ms`, attempt: second });
      await clock.advance(1000);
    }
    const lines = take();
    expect(lines).toHaveLength(3);
    expect(lines[0]).not.toContain('repeated');
    expect(lines[1]).toContain('repeated=59');
    expect(lines[2]).toContain('repeated=59');
    expect(lines[2]).toContain('attempt=120');
  });

  it('that has ended gives its count with the next line of any kind', async () => {
    const { clock, logger, take } = setup();
    for (let i = 0; i < 5; i++) logger.log('warn', 'Scrape failed', { job: 'a', n: i });
    take();
    await clock.advance(59_999);
    logger.log('info', 'early');
    await clock.advance(1);
    logger.log('info', 'later');
    const lines = take();
    expect(lines.map((line) => /msg=(".*?"|\S+)/.exec(line)?.[1])).toEqual(['early', '"Scrape failed"', 'later']);
    expect(lines[1]).toContain('n=4 repeated=4');
  });

  it('gives its count at the end', () => {
    const { logger, take } = setup();
    for (let i = 0; i < 3; i++) logger.log('error', 'x');
    logger.flush();
    expect(take()[1]).toContain('repeated=2');
    logger.flush();
    expect(take()).toEqual([]);
  });

  it('is not equal where a text field differs', () => {
    const { logger, take } = setup();
    for (const instance of ['10.0.0.1:9100', '10.0.0.2:9100']) logger.log('warn', 'Scrape failed', { instance });
    logger.log('error', 'Scrape failed', { instance: '10.0.0.1:9100' });
    expect(take()).toHaveLength(3);
  });

  it('does not concern information', () => {
    const { logger, take } = setup();
    logger.log('info', 'x');
    logger.log('info', 'x');
    expect(take()).toHaveLength(2);
  });

  it('keeps time when the wall clock steps back', async () => {
    const { clock, logger, take } = setup();
    logger.log('error', 'x');
    clock.stepWall(-86_400_000);
    await clock.advance(60_000);
    logger.log('error', 'x');
    expect(take()).toHaveLength(2);
  });

  it('is remembered for a bounded number of messages', () => {
    const { logger, take } = setup();
    for (let i = 0; i < 2000; i++) logger.log('error', 'x', { target: `t${i}` });
    take();
    logger.log('error', 'x', { target: 't0' });
    logger.log('error', 'x', { target: 't1999' });
    expect(take()).toHaveLength(1);
  });
});
