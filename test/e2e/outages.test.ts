import { afterEach, describe, expect, it } from 'vitest';
import { Cleanup } from './harness/cleanup.ts';
import { LedgerStack, seededRandom } from './harness/ledger.ts';
import { sleep } from './harness/wait.ts';

/**
 * Everything that the target handed out arrives, exactly once, in order, at a receiver that refuses whole requests and has no
 * out-of-order window, whatever dies in between. In every test one push is repeated because its acknowledgement was lost.
 */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const SEED = Number(process.env['E2E_SEED'] ?? 20261122);

describe('outages', () => {
  it('the receiver is down for 60 s and comes back', async () => {
    const stack = await LedgerStack.start(cleanup);
    await stack.scrapes(3);
    stack.strict.receiver.behave({ kind: 'down' });
    await stack.scrapes(10);
    await stack.loseOneAcknowledgement();
    await stack.scrapes(50);
    stack.strict.receiver.behave({ kind: 'ok' });
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.scrapes).toBeGreaterThan(60);
    expect(outcome.missingScrapes).toBe(0);
    expect(stack.strict.receiver.silentlyDropped).toBe(0);
  });

  it('the edge is killed, with its runner and without, and started on the same folder', async () => {
    const stack = await LedgerStack.start(cleanup);
    await stack.scrapes(3);
    await stack.edge.killWorkerd();
    await stack.scrapes(3);
    await stack.loseOneAcknowledgement();
    await stack.edge.killAll();
    await stack.scrapes(3);
    await stack.edge.start();
    await stack.scrapes(2);
    // While the receiver is away, so that acknowledged data is on the edge only.
    stack.strict.receiver.behave({ kind: 'down' });
    await stack.scrapes(3);
    await stack.edge.killAll();
    stack.strict.receiver.behave({ kind: 'ok' });
    await stack.edge.start();
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBe(0);
    expect(stack.strict.receiver.silentlyDropped).toBe(0);
  });

  it('the agent is killed and started on the same log', async () => {
    const stack = await LedgerStack.start(cleanup);
    await stack.scrapes(3);
    await stack.killAgent();
    await stack.startAgent();
    await stack.scrapes(2);
    await stack.loseOneAcknowledgement();
    await stack.killAgent();
    await stack.startAgent();
    // Without a way to the edge, so that the log alone holds the data.
    stack.proxy.decide = () => 'reset';
    await stack.scrapes(5);
    await stack.killAgent();
    await stack.startAgent();
    await stack.scrapes(2);
    stack.proxy.decide = () => 'pass';
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBeLessThanOrEqual(3);
    expect(stack.strict.receiver.silentlyDropped).toBe(0);
  });

  it(`all three die at random moments, ten rounds (E2E_SEED=${SEED})`, async () => {
    const random = seededRandom(SEED);
    const pause = (mostMs: number) => sleep(random() * mostMs);
    const stack = await LedgerStack.start(cleanup);
    await stack.scrapes(2);
    for (let round = 0; round < 10; round++) {
      const receiver = (async () => {
        await pause(2000);
        stack.strict.receiver.behave(random() < 0.5 ? { kind: 'down' } : { kind: 'status', status: 503 });
        await pause(3000);
        stack.strict.receiver.behave({ kind: 'ok' });
      })();
      const edge = (async () => {
        await pause(3000);
        if (random() < 0.5) {
          await stack.edge.killWorkerd();
          return;
        }
        await stack.edge.killAll();
        await pause(1000);
        await stack.edge.start();
      })();
      const agent = (async () => {
        await pause(3000);
        await stack.killAgent();
        await pause(1000);
        await stack.startAgent();
      })();
      await Promise.all([receiver, edge, agent]);
      await stack.loseOneAcknowledgement();
    }
    const outcome = await stack.settle(120_000);
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBeLessThanOrEqual(10);
    expect(stack.proxy.count('lose_answer')).toBeGreaterThanOrEqual(10);
  });
});
