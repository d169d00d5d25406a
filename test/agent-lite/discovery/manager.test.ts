import { expect, it } from 'vitest';
import { defaultScrape } from '../../../agent-lite/config/defaults.ts';
import type { ScrapeConfig, SdConfig, TargetGroup } from '../../../agent-lite/config/types.ts';
import type { Discovery } from '../../../agent-lite/discovery/discovery.ts';
import { createDiscoveryManager } from '../../../agent-lite/discovery/manager.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';

const sd = (name: string): SdConfig => ({ kind: 'dns', names: [name], type: 'A', port: 80, refreshIntervalMs: 1000 });
const job = (jobName: string, ...names: string[]): ScrapeConfig => ({
  ...defaultScrape,
  jobName,
  scrapeIntervalMs: 1000,
  scrapeTimeoutMs: 1000,
  discovery: names.map(sd),
});
const group = (target: string): TargetGroup => ({ targets: [target], labels: [] });

/** Discoveries by name that tell when the test says so. */
function setup() {
  const clock = new ManualClock();
  const logger = new FakeLogger();
  const started: string[] = [];
  const tellers = new Map<string, (targets: string[]) => void>();
  const signals = new Map<string, AbortSignal>();
  const found: Record<string, string[]>[] = [];
  const manager = createDiscoveryManager({
    clock,
    logger,
    found: (jobs) =>
      found.push(Object.fromEntries(jobs.map(({ config, groups }) => [config.jobName, groups.flatMap(({ targets }) => targets)]))),
    discoveryFor(config): Discovery {
      const name = config.kind === 'dns' ? String(config.names) : '';
      if (name === 'broken') throw new TypeError('proxy: no URL');
      started.push(name);
      return {
        async start(update, signal) {
          signals.set(name, signal);
          tellers.set(name, (targets) => update(targets.map(group)));
          if (name.startsWith('quick')) update([group(`${name}:1`)]);
        },
      };
    },
  });
  const tell = (name: string, ...targets: string[]): void => tellers.get(name)?.(targets);
  return { clock, logger, manager, started, signals, found, tell };
}

it('tells all jobs together, once every discovery has been heard', () => {
  const { manager, found, tell } = setup();
  manager.apply([job('a', 'quick', 'slow'), job('b', 'other')]);
  expect(found).toEqual([]);
  tell('slow', 's:1');
  expect(found).toEqual([]);
  tell('other');
  expect(found).toEqual([{ a: ['quick:1', 's:1'], b: [] }]);
  tell('slow', 's:1', 's:2');
  expect(found.at(-1)).toEqual({ a: ['quick:1', 's:1', 's:2'], b: [] });
});

it.each([
  ['no jobs', [], {}],
  ['a job without discovery', [job('a')], { a: [] }],
  ['only quick ones', [job('a', 'quick', 'quick2')], { a: ['quick:1', 'quick2:1'] }],
])('tells %s at once', (_, jobs, is) => {
  const { manager, found } = setup();
  manager.apply(jobs);
  expect(found).toEqual([is]);
});

it('does not wait longer than 5 s for the slow', async () => {
  const { manager, clock, found, tell } = setup();
  manager.apply([job('a', 'quick', 'slow')]);
  await clock.advance(4999);
  expect(found).toEqual([]);
  await clock.advance(1);
  expect(found).toEqual([{ a: ['quick:1'] }]);
  tell('slow', 's:1');
  expect(found.at(-1)).toEqual({ a: ['quick:1', 's:1'] });
  expect(clock.sleeping).toBe(0);
});

it('runs one discovery for equal settings', () => {
  const { manager, started, found } = setup();
  manager.apply([job('a', 'quick'), job('b', 'quick')]);
  expect(started).toEqual(['quick']);
  expect(found).toEqual([{ a: ['quick:1'], b: ['quick:1'] }]);
});

it('goes on with what it knows over a reload, ends what is gone', async () => {
  const { manager, clock, started, signals, found, tell } = setup();
  manager.apply([job('a', 'stays', 'goes')]);
  tell('stays', 's:1');
  tell('goes', 'g:1');
  manager.apply([job('a', 'stays', 'comes')]);
  expect(signals.get('goes')?.aborted).toBe(true);
  tell('goes', 'g:2');
  // Until the new one is heard the jobs before stay.
  expect(found).toHaveLength(1);
  tell('comes', 'c:1');
  expect(found).toEqual([{ a: ['s:1', 'g:1'] }, { a: ['s:1', 'c:1'] }]);
  expect(started).toEqual(['stays', 'goes', 'comes']);
  expect(signals.get('stays')?.aborted).toBe(false);
  await clock.advance(10_000);
  expect(found).toHaveLength(2);
});

it('a second reload while the first waits takes its place', async () => {
  const { manager, clock, found } = setup();
  manager.apply([job('a', 'slow')]);
  await clock.advance(4000);
  manager.apply([job('b', 'slow')]);
  await clock.advance(4000);
  expect(found).toEqual([]);
  await clock.advance(1000);
  expect(found).toEqual([{ b: [] }]);
});

it('goes on without a discovery that cannot work', () => {
  const { manager, logger, found } = setup();
  manager.apply([job('a', 'broken', 'quick')]);
  expect(found).toEqual([{ a: ['quick:1'] }]);
  expect(logger.text('error')).toContain('Discovery cannot work {"mechanism":"dns","err":"proxy: no URL"}');
});

it('tells nothing after its end', async () => {
  const { manager, clock, signals, found, tell } = setup();
  manager.apply([job('a', 'slow')]);
  manager.stop();
  expect(signals.get('slow')?.aborted).toBe(true);
  tell('slow', 's:1');
  await clock.advance(10_000);
  expect(found).toEqual([]);
  expect(clock.sleeping).toBe(0);
});
