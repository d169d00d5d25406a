import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTextFile } from '../../../agent-lite/platform/text-file.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'agent-lite-text-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it('keeps a text, making the folder where it is missing', async () => {
  const file = createTextFile(join(dir, 'a/b/clock'));
  expect(await file.load()).toBeUndefined();
  await file.save('one');
  await file.save('two');
  expect(await createTextFile(join(dir, 'a/b/clock')).load()).toBe('two');
  expect(await readdir(join(dir, 'a/b'))).toEqual(['clock']);
});

it('keeps the old text where the new one cannot be written', async () => {
  const file = createTextFile(join(dir, 'c'));
  await file.save('one');
  await writeFile(join(dir, 'not-a-folder'), '');
  await expect(createTextFile(join(dir, 'not-a-folder/c')).save('two')).rejects.toThrow();
  expect(await file.load()).toBe('one');
});
