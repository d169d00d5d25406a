import { expect, it } from 'vitest';
import { consoleLogger } from '../../../agent-lite/browser/console-logger.ts';
import { ManualClock } from '../../fakes/clock.ts';

function setup() {
  const clock = new ManualClock();
  const lines: unknown[][] = [];
  const write =
    (level: string) =>
    (...parts: unknown[]): void =>
      void lines.push([level, ...parts]);
  return { clock, lines, logger: consoleLogger(clock, { warn: write('warn'), error: write('error') }) };
}

it('writes warnings and errors with their fields, and nothing else', () => {
  const { lines, logger } = setup();
  const err = new Error('no disk');
  logger.log('debug', 'a', {});
  logger.log('info', 'b', {});
  logger.log('warn', 'c', { job: 'node' });
  logger.log('error', 'd', { err });
  expect(lines).toEqual([
    ['warn', 'agent-lite: c', { job: 'node' }],
    ['error', 'agent-lite: d', { err }],
  ]);
});

it('writes an equal line once a minute, whatever numbers are in it', async () => {
  const { clock, lines, logger } = setup();
  for (let i = 0; i < 3; i++) logger.log('warn', 'slow', { err: new Error(`no answer after ${i} ms`), attempt: i });
  logger.log('warn', 'slow', { err: new Error('refused') });
  expect(lines).toHaveLength(2);
  await clock.advance(60_000);
  logger.log('warn', 'slow', { err: new Error('no answer after 9 ms'), attempt: 9 });
  expect(lines).toHaveLength(3);
});

it('remembers a bounded number of lines', () => {
  const { lines, logger } = setup();
  const name = (i: number): string => String.fromCharCode(0x4e00 + i);
  for (let i = 0; i < 101; i++) logger.log('warn', name(i), {});
  logger.log('warn', name(100), {});
  expect(lines).toHaveLength(101);
  logger.log('warn', name(0), {});
  expect(lines).toHaveLength(102);
});
