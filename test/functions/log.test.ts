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

it.each([
  [new TypeError('x'), 'TypeError: x'],
  ['text', 'text'],
  [undefined, 'undefined'],
])('describes %s', (error, text) => {
  expect(describeError(error)).toBe(text);
});
