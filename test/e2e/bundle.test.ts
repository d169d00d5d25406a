import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../contract/version.ts';
import { Cleanup } from './harness/cleanup.ts';
import { needNode18 } from './harness/installed.ts';
import { LedgerStack } from './harness/ledger.ts';
import { NODE, ROOT } from './harness/program.ts';

/** What devices run: the bundle, without node_modules, on the Node that Debian 12 has. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const run = promisify(execFile);
const BUNDLE = join(ROOT, 'dist/agent-lite.mjs');

describe('the bundle on Node 18', () => {
  it('tells its version, checks a configuration, and loses nothing over a SIGKILL', async (context) => {
    const node18 = needNode18(context);
    await run(NODE, ['infra/build.ts'], { cwd: ROOT });
    expect((await run(node18, ['--version'])).stdout).toMatch(/^v18\./);
    expect((await run(node18, [BUNDLE, '--version'])).stdout).toContain(VERSION);

    const stack = await LedgerStack.start(cleanup, { command: [node18, BUNDLE] });
    const checked = await run(node18, [BUNDLE, 'check-config', join(stack.agent.folder, 'agent.yml')]);
    expect(checked.stdout + checked.stderr).toMatch(/agent\.yml/);
    await stack.scrapes(5);
    await stack.loseOneAcknowledgement();
    await stack.killAgent();
    await stack.startAgent();
    await stack.scrapes(5);
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.scrapes).toBeGreaterThanOrEqual(10);
    expect(outcome.missingScrapes).toBe(0);
    const looked = await run(node18, [BUNDLE, 'wal', 'inspect', '--json', stack.agent.logFolder]);
    expect(JSON.parse(looked.stdout)).toMatchObject({ damage: [], cursors: [{ receiver: 'edge' }] });
  });
});
