import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { loadAdminToken, loadDeviceTokenKey, readAdminToken } from '../../../infra/local/dev-vars.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-lite-dev-vars-'));
  file = join(folder, '.dev.vars');
  vi.stubEnv('ADMIN_TOKEN', '');
  vi.stubEnv('DEVICE_TOKEN_KEY', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it('makes both secrets on first use, once, for its owner only', async () => {
  const loaded = await Promise.all([1, 2, 3].flatMap(() => [loadDeviceTokenKey(file), loadAdminToken(file)]));
  const [key, token] = loaded;
  expect(loaded).toEqual([key, token, key, token, key, token]);
  expect(key).not.toBe(token);
  for (const secret of loaded) expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect([await loadDeviceTokenKey(file), await readAdminToken(file)]).toEqual([key, token]);
});

it('adds to a file of before and keeps what is in it, even without a last new line', async () => {
  const before = `# mine\nDEVICE_TOKEN_KEY="${'k'.repeat(32)}"`;
  await writeFile(file, before);
  expect(await readAdminToken(file)).toBeUndefined();
  const token = await loadAdminToken(file);
  expect(await readFile(file, 'utf8')).toBe(`${before}\nADMIN_TOKEN="${token}"\n`);
  expect(await loadDeviceTokenKey(file)).toBe('k'.repeat(32));
});

it('prefers the environment, and then touches no file', async () => {
  vi.stubEnv('ADMIN_TOKEN', 'from the environment');
  expect(await loadAdminToken(file)).toBe('from the environment');
  expect(await readAdminToken(file)).toBeUndefined();
});

it('refuses a secret that is too short', async () => {
  await writeFile(file, "ADMIN_TOKEN='short'\n");
  await expect(loadAdminToken(file)).rejects.toThrow(`${file}: ADMIN_TOKEN has 5 characters, expected at least 32`);
});
