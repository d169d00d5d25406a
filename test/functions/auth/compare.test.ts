import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../../functions/', import.meta.url);

it('no secret is compared by === or !==, which stop at the first difference', () => {
  const found: string[] = [];
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))) {
    for (const line of readFileSync(new URL(file, root), 'utf8').split('\n')) {
      if (!/\b\w*(?:token|secret|password|tokenKey)\b\s*(?:===|!==)|(?:===|!==)\s*[\w.]*(?:token|secret|password|tokenKey)\b/i.test(line))
        continue;
      // Whether there is one at all may be asked.
      if (/(?:===|!==) (?:undefined|'')/.test(line)) continue;
      found.push(`${file}: ${line.trim()}`);
    }
  }
  expect(found).toEqual([]);
});
