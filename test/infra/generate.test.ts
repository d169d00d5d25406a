import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { outdated } from '../../infra/generate.ts';

it('contract/generated is what contract/proto gives (else: npm run generate)', async () => {
  expect(await outdated(await mkdtemp(join(tmpdir(), 'generate-')))).toEqual([]);
});
