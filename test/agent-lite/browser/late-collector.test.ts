import { expect, it } from 'vitest';
import { lateCollector } from '../../../agent-lite/browser/late-collector.ts';

/** Tells what was asked of the collector that is loaded, and lets loading fail so often. */
function setup(failures = 0) {
  const calls: string[] = [];
  const collector = lateCollector(async () => {
    calls.push('load');
    if (calls.filter((call) => call === 'load').length <= failures) throw new Error('no network');
    return { start: () => calls.push('start'), stop: () => calls.push('stop'), expose: async () => 'a 1\n' };
  });
  return { calls, collector };
}

it('loads nothing before it is wanted, and then once', async () => {
  const { calls, collector } = setup();
  expect(calls).toEqual([]);
  collector.start();
  expect(await collector.expose()).toBe('a 1\n');
  await collector.expose();
  expect(calls.filter((call) => call === 'load')).toHaveLength(1);
  expect(calls).toContain('start');
});

it('counts, once it is there, what it was told to count', async () => {
  const { calls, collector } = setup(1);
  collector.start();
  await expect(collector.expose()).rejects.toThrow('no network');
  await collector.expose();
  expect(calls).toEqual(['load', 'load', 'start']);
});

it('stops what it has started, and loads nothing for that', async () => {
  const { calls, collector } = setup();
  collector.stop();
  expect(calls).toEqual([]);
  collector.start();
  collector.stop();
  await collector.expose();
  expect(calls.at(-1)).toBe('stop');
});
