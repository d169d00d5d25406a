import { expect, it } from 'vitest';
import { describeError, EdgeLog } from '../../functions/log.ts';

it('writes one line of JSON each, and repeats a warning once a minute with what was left out', () => {
  const lines: string[] = [];
  let time = 0;
  const log = new EdgeLog(
    (line) => lines.push(line),
    () => time,
  );
  log.error('broken\n"x"', { error: 'Error: y' });
  log.error('broken\n"x"');
  for (time of [0, 1, 59_999, 60_000, 60_001]) log.sampled('odd', { at: time });
  log.sampled('other');
  expect(lines.every((line) => !line.includes('\n'))).toBe(true);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'error', message: 'broken\n"x"', error: 'Error: y' },
    { level: 'error', message: 'broken\n"x"' },
    { level: 'warn', message: 'odd', at: 0, repeated: 0 },
    { level: 'warn', message: 'odd', at: 60_000, repeated: 2 },
    { level: 'warn', message: 'other', repeated: 0 },
  ]);
});

it('writes an error ten times a minute, then what was left out', () => {
  const lines: string[] = [];
  let time = 0;
  const log = new EdgeLog(
    (line) => lines.push(line),
    () => time,
  );
  for (let i = 0; i < 25; i++) log.error('the bucket is away');
  expect(lines).toHaveLength(10);
  log.error('something else');
  time = 60_000;
  log.error('the bucket is away', { requestId: 'r' });
  log.error('the bucket is away');
  expect(lines.slice(10).map((line) => JSON.parse(line))).toEqual([
    { level: 'error', message: 'something else' },
    { level: 'error', message: 'the bucket is away', requestId: 'r', repeated: 15 },
    { level: 'error', message: 'the bucket is away' },
  ]);
});

it('repeats as often as configured', () => {
  const lines: string[] = [];
  let time = 0;
  const log = new EdgeLog(
    (line) => lines.push(line),
    () => time,
  );
  log.configure({ samplingFraction: 0, repeatIntervalMs: 1000 });
  for (time of [0, 999, 1000]) log.sampled('odd');
  expect(lines).toHaveLength(2);
});

it.each([
  [0, 0, 0],
  [0.01, 60, 140],
  [1, 10_000, 10_000],
])('of 10,000 requests writes a share of %d', (samplingFraction, least, most) => {
  const lines: string[] = [];
  const log = new EdgeLog(
    (line) => lines.push(line),
    () => 0,
  );
  log.configure({ samplingFraction, repeatIntervalMs: 60_000 });
  for (let i = 0; i < 10_000; i++) log.request(`request-${i}`, { status: 200 });
  expect(lines.length).toBeGreaterThanOrEqual(least);
  expect(lines.length).toBeLessThanOrEqual(most);
  for (const line of lines.slice(0, 3))
    expect(JSON.parse(line)).toEqual({ level: 'info', message: 'request', requestId: expect.stringMatching(/^request-/), status: 200 });
});

it.each([
  [new TypeError('x'), 'TypeError: x'],
  ['text', 'text'],
  [undefined, 'undefined'],
])('describes %s', (error, text) => {
  expect(describeError(error)).toBe(text);
});
