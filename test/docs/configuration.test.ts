import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const files = ['test/fixtures/config/agent/all-keys.good.yml', 'test/fixtures/config/relay/all-keys.good.yml'];

it.each(files)('docs/configuration.md names every key of %s', (file) => {
  const keys = new Set([...read(file).matchAll(/(?:^|[{,] ?)\s*(?:- )?([a-z_]+):/gm)].map((found) => found[1] ?? ''));
  // Chosen by the user: labels, parameters, tenants.
  for (const own of ['cluster', 'host', 'price', 'empty', 'audience', 'module', 'debug', 'site', 'region', 'acme', 'globex', 'initech'])
    keys.delete(own);
  const documented = read('docs/configuration.md');
  expect([...keys].filter((key) => !new RegExp(`[\`.]${key}[\`:.]|{ ${key}: `).test(documented))).toEqual([]);
  expect(keys.size).toBeGreaterThan(25);
});
