import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const SCRIPT = 'infra/require-node.mjs';

it('lets this Node pass: tests run on the one that npm brought along', async () => {
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(24);
  expect(await run(process.execPath, [SCRIPT])).toEqual({ stdout: '', stderr: '' });
});

it('tells an older one, and what to do', async () => {
  const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })`;
  const told = run(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(older)}`, SCRIPT]);
  await expect(told).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/expected Node 24 or later.*\n.*npm ci/) });
});
