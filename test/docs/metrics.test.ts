import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricTable } from '../../agent-lite/telemetry/names.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Documented {
  readonly type: string;
  readonly labels: readonly string[];
  /** Columns after the labels. */
  readonly rest: readonly string[];
}

/** Rows of tables that begin with a metric's name. */
function documented(): ReadonlyMap<string, Documented> {
  const out = new Map<string, Documented>();
  for (const line of read('docs/metrics.md').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const name = /^`((?:relay|agent_lite|process)_\w+)`$/.exec(cells[1] ?? '')?.[1];
    if (name === undefined) continue;
    expect(out.has(name), `${name} is documented twice`).toBe(false);
    out.set(name, {
      type: cells[2] ?? '',
      labels: [...(cells[3] ?? '').matchAll(/`(\w+)`/g)].map((found) => found[1] ?? ''),
      rest: cells.slice(4),
    });
  }
  return out;
}

/** Every metric that the edge's sources name in a string, with the label that the string adds. */
function relayMetrics(): ReadonlyMap<string, string | undefined> {
  const out = new Map<string, string | undefined>();
  for (const file of readdirSync(new URL('functions/', root), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const code = read(`functions/${file}`)
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/^\s*\/\/.*$/gm, '');
    for (const [, name = '', label] of code.matchAll(/['"`](relay_[a-z0-9_]+)(?:\{(\w+)=)?/g)) out.set(name, label ?? out.get(name));
  }
  return out;
}

const docs = documented();
const startingWith = (prefix: string): readonly string[] => [...docs.keys()].filter((name) => name.startsWith(prefix)).sort();

describe('docs/metrics.md', () => {
  it('has every metric of the edge, and no other', () => {
    const sources = relayMetrics();
    expect(sources.size).toBeGreaterThan(30);
    expect(startingWith('relay_')).toEqual([...sources.keys()].sort());
    for (const [name, label] of sources) {
      if (label !== undefined) expect(docs.get(name)?.labels, name).toContain(label);
      expect(docs.get(name)?.type === 'counter', name).toBe(name.endsWith('_total'));
      expect(docs.get(name)?.type === 'histogram', name).toBe(name.endsWith('_duration_seconds'));
    }
  });

  it('has every metric of the agent, and no other', () => {
    const names = Object.keys(metricTable).sort();
    expect([...startingWith('agent_lite_'), ...startingWith('process_')]).toEqual(names);
    for (const [name, { type, labels = [], pushed }] of Object.entries(metricTable)) {
      expect({ name, type: docs.get(name)?.type, labels: docs.get(name)?.labels }).toEqual({ name, type, labels });
      expect(docs.get(name)?.rest[1], name).toBe(pushed === undefined ? '' : 'yes');
    }
  });
});

describe('infra/alerts/agent-lite.rules.yml', () => {
  const rules = read('infra/alerts/agent-lite.rules.yml');
  const used = [
    ...new Set([...rules.matchAll(/^ +expr: (.*)$/gm)].flatMap(([, expr = '']) => expr.match(/\b(?:relay|agent_lite)_\w+/g) ?? [])),
  ];

  it('asks only for metrics that exist, of devices only for those that are pushed', () => {
    expect(used.length).toBeGreaterThan(15);
    expect(used.filter((name) => !docs.has(name))).toEqual([]);
    expect(used.filter((name) => name.startsWith('agent_lite_') && metricTable[name]?.pushed === undefined)).toEqual([]);
  });

  it('watches what the page says to alert on', () => {
    const wanted = startingWith('relay_').filter((name) => docs.get(name)?.rest[1] === 'yes');
    expect(wanted.filter((name) => !used.includes(name))).toEqual([]);
  });

  it('is told in the page, alert by alert', () => {
    const alerts = [...rules.matchAll(/alert: (\w+)/g)].map((found) => found[1] ?? '');
    expect(alerts.filter((alert) => !read('docs/metrics.md').includes(`\`${alert}\``))).toEqual([]);
  });
});
