import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startLean } from '../../../agent-lite/platform/lean-start.ts';

describe('a lean start', () => {
  it.each([
    ['Node 18', '10.2.154.26-node.36', []],
    ['Node 20', '11.3.244.8-node.34', []],
    ['Node 22', '12.4.254.21-node.33', []],
    ['Node 24', '13.6.233.17-node.37', ['--memory-saver-mode']],
  ])('of %s sets flags that it knows', (_name, version, wanted) => {
    const done: string[] = [];
    startLean({ version, setFlags: (flags) => void done.push(flags) });
    expect(done).toEqual(wanted);
  });

  it('is taken by this Node without a word', async () => {
    const file = join(import.meta.dirname, '../../../agent-lite/platform/lean-start.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '--eval',
      `(await import(${JSON.stringify(file)})).startLean();`,
    ]);
    expect([stdout, stderr]).toEqual(['', '']);
  });
});
