import { cp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Cleanup } from './harness/cleanup.ts';
import { LedgerStack } from './harness/ledger.ts';

/**
 * The edge knows a device's log by its identity, positions and chain. Logs that are deleted, copied, cut back or trimmed behind
 * its back lose nothing that still exists, and repeat nothing wrongly.
 */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const segmentsOf = async (stack: LedgerStack): Promise<string[]> => {
  const folder = join(stack.agent.logFolder, 'wal');
  return (await readdir(folder)).sort().map((name) => join(folder, name));
};

describe('the log and the edge disagree', () => {
  it('the log directory is deleted while the edge still knows the device', async () => {
    const stack = await LedgerStack.start(cleanup);
    expect((await stack.settle()).faults, stack.describe()).toEqual([]);
    expect(await stack.stopAgent()).toBe(0);
    await rm(stack.agent.logFolder, { recursive: true });
    await stack.startAgent();
    await stack.scrapes(3);
    await stack.loseOneAcknowledgement();
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBeLessThanOrEqual(1);
    expect(stack.strict.receiver.silentlyDropped).toBe(0);
  });

  it('the log directory is copied to a second agent with the same token, both run', async () => {
    const first = await LedgerStack.start(cleanup);
    await first.scrapes(3);
    // Both copies have the same records that the edge does not have yet.
    first.proxy.decide = () => 'reset';
    await first.scrapes(3);
    await first.killAgent();
    const second = await LedgerStack.beside(first, cleanup, {
      name: 'second-agent',
      prepare: (agent) => cp(first.agent.logFolder, agent.logFolder, { recursive: true }),
    });
    await first.startAgent();
    first.proxy.decide = () => 'pass';
    await Promise.all([first.scrapes(6), second.scrapes(6)]);
    await first.loseOneAcknowledgement();
    await second.loseOneAcknowledgement();
    const outcomes = await Promise.all([first.settle(), second.settle()]);
    for (const [i, stack] of [first, second].entries()) expect(outcomes[i]?.faults, stack.describe()).toEqual([]);
    expect(outcomes[1]?.missingScrapes).toBe(0);
    // The two logs are told apart, and that is shown.
    expect(await first.edge.metrics()).toMatch(/relay_devices_with_several_logs\{[^}]*\} 1/);
  });

  it('the log is cut back to its last sync after records beyond it were pushed, the cursor with it', async () => {
    const stack = await LedgerStack.start(cleanup);
    await stack.scrapes(3);
    const kept = join(await cleanup.folder('kept'), 'data');
    await cp(stack.agent.logFolder, kept, { recursive: true });
    await stack.scrapes(3);
    expect((await stack.settle()).faults, stack.describe()).toEqual([]);
    const settledMs = stack.target.handedOut.at(-1)?.askedMs ?? 0;
    await stack.killAgent();
    stack.forgiveSince(settledMs - 2000);
    await rm(stack.agent.logFolder, { recursive: true });
    await cp(kept, stack.agent.logFolder, { recursive: true });
    await stack.startAgent();
    await stack.scrapes(3);
    await stack.loseOneAcknowledgement();
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBeLessThanOrEqual(4);
  });

  it('the log is cut back after records beyond were pushed, the cursor stays', async () => {
    const stack = await LedgerStack.start(cleanup);
    await stack.scrapes(3);
    const segment = (await segmentsOf(stack)).at(-1) ?? '';
    const { size } = await stat(segment);
    await stack.scrapes(3);
    expect((await stack.settle()).faults, stack.describe()).toEqual([]);
    const settledMs = stack.target.handedOut.at(-1)?.askedMs ?? 0;
    await stack.killAgent();
    stack.forgiveSince(settledMs - 2000);
    expect((await stat(segment)).size).toBeGreaterThan(size);
    await truncate(segment, size);
    await stack.startAgent();
    await stack.scrapes(3);
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBeLessThanOrEqual(4);
  });

  it('the first segment is deleted after acknowledgement, the others are read without it', async () => {
    const stack = await LedgerStack.start(cleanup);
    expect((await stack.settle()).faults, stack.describe()).toEqual([]);
    const first = (await segmentsOf(stack))[0] ?? '';
    // A stopping agent pushes the rest: all of the first segment is acknowledged.
    expect(await stack.stopAgent()).toBe(0);
    // The same tables go on in later segments, offline.
    stack.proxy.decide = () => 'reset';
    for (let life = 0; life < 2; life++) {
      await stack.startAgent();
      await stack.scrapes(3);
      await stack.killAgent();
    }
    const later = (await segmentsOf(stack)).filter((segment) => segment !== first);
    expect(later.length).toBeGreaterThanOrEqual(1);
    await rm(first, { force: true });
    await stack.startAgent();
    await stack.scrapes(1);
    stack.proxy.decide = () => 'pass';
    await stack.loseOneAcknowledgement();
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
  });
});
