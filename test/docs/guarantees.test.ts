import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const text = read('docs/guarantees.md');
const tests = (part: string): readonly string[] => [...part.matchAll(/`(test\/[^`]+)`/g)].map(([, file = '']) => file);

describe('docs/guarantees.md', () => {
  it('names a test for every promise and every loss', () => {
    // What follows then are figures.
    const promising = text.slice(0, text.indexOf('## How it is shown'));
    const promises = promising.split('\n').filter((line) => /^\| (?!---)/.test(line) && !/^\| (under|when) \|/.test(line));
    expect(promises.length).toBeGreaterThan(40);
    expect(promises.filter((row) => tests(row.split('|').at(-2) ?? '').length === 0)).toEqual([]);
    const list = promising.split(/^- /m).slice(1);
    expect(list.filter((entry) => tests(entry).length === 0)).toEqual([]);
  });

  it('names tests that exist', () => {
    const files = tests(text);
    expect(files.length).toBeGreaterThan(60);
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([]);
  });

  it('names metrics that exist', () => {
    const metrics = [...text.matchAll(/`((?:relay|agent_lite)_\w+)`/g)].map(([, name = '']) => name);
    const known = read('docs/metrics.md');
    expect(metrics.length).toBeGreaterThan(15);
    expect(metrics.filter((name) => !known.includes(`\`${name}\``))).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run (\w+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
