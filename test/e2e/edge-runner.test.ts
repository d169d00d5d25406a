import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { childPids } from '../../infra/local/ports.ts';
import { Cleanup } from './harness/cleanup.ts';
import { freePort, NODE, Program } from './harness/program.ts';
import { EdgeUnderTest } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/** `npm run edge`: what it does when processes are killed and when it is given something wrong. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const NO_RECEIVER = 'http://127.0.0.1:1/';
const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function edgeCommand(...args: string[]): Promise<Program> {
  const program = await Program.start('edge', NODE, ['infra/local/edge-command.ts', ...args], { RECEIVER_URL: '' });
  cleanup.add(() => program.stop());
  return program;
}

describe('npm run edge', () => {
  it('stops on SIGTERM with code 0 and leaves no process behind', async () => {
    const edge = await EdgeUnderTest.start(cleanup, NO_RECEIVER);
    const workerd = await edge.workerdPid();
    expect(await edge.program.stop()).toBe(0);
    expect(runs(workerd)).toBe(false);
  });

  it('says that the runtime died and starts it again on the same port', async () => {
    const edge = await EdgeUnderTest.start(cleanup, NO_RECEIVER);
    await edge.killWorkerd();
    await edge.program.prints('the Workers runtime had died and was restarted on the same state');
    const [workerd, ...others] = await childPids(edge.program.pid, 'workerd');
    expect(others).toEqual([]);
    expect(await edge.program.stop()).toBe(0);
    expect(runs(workerd ?? 0)).toBe(false);
  });

  it('names the process that keeps its port, such as a runtime whose runner was killed', async () => {
    const edge = await EdgeUnderTest.start(cleanup, NO_RECEIVER);
    const orphan = await edge.workerdPid();
    await edge.program.kill9();
    try {
      const next = await edgeCommand(`--port=${edge.port}`, `--persist=${await cleanup.folder('edge')}`);
      expect(await next.exited()).toBe(1);
      expect(next.output).toContain(`port ${edge.port} for the edge is already taken by pid ${orphan} (workerd)`);
      expect(next.output).toContain(`kill ${orphan}`);
    } finally {
      process.kill(orphan, 'SIGKILL');
      await waitFor('the orphan to be gone', () => !runs(orphan));
    }
  });

  it.each([
    { name: 'an unknown flag', args: ['--prot=8787'], code: 2, message: '--prot' },
    { name: 'a port that is none', args: ['--port=99999'], code: 2, message: '--port: expected a port from 1 to 65535, got "99999"' },
    { name: 'a relay configuration that is not there', args: ['--relay-config=missing.yml'], code: 1, message: 'missing.yml' },
  ])('refuses $name', async ({ args, code, message }) => {
    const program = await edgeCommand(...args);
    expect(await program.exited()).toBe(code);
    expect(program.output).toContain(message);
  });

  it.each([
    { name: 'broken YAML', text: 'receivers: [', message: /relay\.yml:1/ },
    { name: 'an unknown key', text: 'receivers: []\nrecievers: []\ntenants: {}\n', message: /relay\.yml:2.*recievers/ },
    { name: 'a wrong type', text: 'receivers: []\ntenants: 5\n', message: /relay\.yml:2.*tenants/ },
  ])('refuses $name in the relay configuration with its place', async ({ text, message }) => {
    const file = join(await cleanup.folder('relay'), 'relay.yml');
    await writeFile(file, text);
    const program = await edgeCommand(`--relay-config=${file}`, `--port=${await freePort()}`);
    expect(await program.exited()).toBe(1);
    expect(program.output).toMatch(message);
  });
});
