import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docs/security.md', root), 'utf8');
const rows = [...text.matchAll(/^\| \*\*.*$/gm)].map(([row]) => row);

describe('docs/security.md', () => {
  it('tells a measure and a test for every threat', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((row) => !/\| [^|]{20,} \| `test\/[^|]+` \|$/.test(row))).toEqual([]);
  });

  it('names tests that exist', () => {
    const files = [...text.matchAll(/`(test\/[^`]+)`/g)].map(([, file = '']) => file);
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([]);
  });
});
