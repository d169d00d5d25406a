import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metricTable } from '../../../agent-lite/telemetry/names.ts';
import { MAX_PUSHED_SERIES } from '../../../agent-lite/telemetry/pushed.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { registryOf } from '../../../agent-lite/telemetry/table-registry.ts';

const table = {
  a_total: { type: 'counter', help: 'Things\ndone \\ or not.' },
  b: { type: 'gauge', help: 'A level.', labels: ['x', 'y'], pushed: 1 },
  c_total: { type: 'counter', help: 'By result.', labels: ['result'], start: [{ result: 'ok' }] },
} as const;

describe('the exposition', () => {
  it('has HELP and TYPE, counters from the start at 0, labels in the declared order', () => {
    const registry = createRegistry(table);
    registry.set('b', -1.5, { y: 'two', x: 'one' });
    registry.add('a_total');
    registry.add('a_total', 2);
    expect(registry.expose('all')).toBe(
      [
        '# HELP a_total Things\\ndone \\\\ or not.',
        '# TYPE a_total counter',
        'a_total 3',
        '# HELP b A level.',
        '# TYPE b gauge',
        'b{x="one",y="two"} -1.5',
        '# HELP c_total By result.',
        '# TYPE c_total counter',
        'c_total{result="ok"} 0',
        '',
      ].join('\n'),
    );
  });

  it('escapes label values', () => {
    const registry = createRegistry(table);
    registry.set('b', 1, { x: 'a"b\\c\nd', y: '' });
    expect(registry.expose('pushed')).toContain('b{x="a\\"b\\\\c\\nd"} 1\n');
  });

  it.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [1e21, '1e+21'],
    [0, '0'],
  ])('writes %d', (value, text) => {
    const registry = createRegistry(table);
    registry.set('b', value);
    expect(registry.expose('pushed')).toContain(`\nb ${text}\n`);
  });

  it('asks the collectors first', () => {
    const registry = createRegistry(table);
    let level = 0;
    registry.onCollect(() => registry.set('b', ++level));
    registry.expose('all');
    expect(registry.expose('pushed')).toContain('\nb 2\n');
  });
});

describe('refuses', () => {
  const registry = createRegistry(table);
  it.each<[string, () => void, string]>([
    ['an unknown name', () => registry.add('nope_total'), 'not declared'],
    ['a name of the object prototype', () => registry.set('toString', 1), 'not declared'],
    ['a gauge used as a counter', () => registry.add('b', 1), 'is a gauge'],
    ['a counter that is set', () => registry.set('a_total', 1), 'is a counter'],
    ['a counter that falls', () => registry.add('a_total', -1), 'expected a counter to grow'],
    ['a label of another name', () => registry.set('b', 1, { z: '' }), 'expected the labels {x, y}, got z'],
    ['a label too many', () => registry.add('a_total', 1, { x: '' }), 'expected the labels {}'],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(message);
  });
});

it('counts nothing that is not in the table, where others are ignored', () => {
  const registry = registryOf(table, 'ignore');
  registry.add('nope_total', 1, { any: 'label' });
  registry.set('nope', 1);
  expect(registry.expose('all')).not.toContain('nope');
  expect(() => registry.set('a_total', 1)).toThrow('is a counter');
});

describe('the table of names', () => {
  const root = join(import.meta.dirname, '../../../agent-lite');
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('names.ts'),
  );
  const used = new Set<string>();
  for (const file of sources) {
    for (const [, name] of readFileSync(join(root, file), 'utf8').matchAll(/['"`]((?:agent_lite|process)_[a-z0-9_]+)['"`]/g))
      used.add(name ?? '');
  }

  it('declares every name the sources use, and none that they do not', () => {
    expect([...used].sort()).toEqual(Object.keys(metricTable).sort());
  });

  it.each(Object.entries(metricTable))('%s follows the conventions', (name, spec) => {
    expect(name).toMatch(/^(agent_lite|process)_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(spec.type === 'counter');
    expect(spec.help).toMatch(/^[A-Z].*\.$/);
  });

  it(`pushes at most ${MAX_PUSHED_SERIES} series`, () => {
    const series = Object.values(metricTable).reduce((sum, spec) => sum + (spec.pushed ?? 0), 0);
    expect(series).toBeLessThanOrEqual(MAX_PUSHED_SERIES);
  });
});
