import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { VERSION } from '../../contract/version.ts';

it('equals the version of package.json', () => {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(VERSION).toBe(manifest.version);
});
