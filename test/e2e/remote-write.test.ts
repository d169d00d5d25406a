import { afterEach, expect, it } from 'vitest';
import { Cleanup } from './harness/cleanup.ts';
import { compare } from './harness/delivered.ts';
import { needProgram } from './harness/installed.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { DisturbingProxy } from './harness/proxy.ts';
import { ScriptedTarget } from './harness/scripted-target.ts';
import { AgentUnderTest, CLUSTER, staticJob } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/** Straight to a real Prometheus, without an edge: an outage, lost answers, a captive portal, kills, SIGINT and SIGTERM. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const exposition = (number: number): string =>
  `# TYPE n counter\nn ${number}\n# TYPE odd gauge\nodd{v="nan"} NaN\n${number % 3 === 0 ? '' : `comes_and_goes ${number}\n`}`;

it('Prometheus has every sample that a target gave out, whatever happened in between', async (context) => {
  const prometheus = await startPrometheus(cleanup, needProgram(context, 'prometheus'));
  const link = await DisturbingProxy.start(prometheus.url);
  cleanup.add(() => link.stop());
  const target = await ScriptedTarget.start(exposition);
  cleanup.add(() => target.stop());
  const startMs = Date.now();
  const agent = await AgentUnderTest.start(cleanup, {
    scrapeConfigs: staticJob('odd', target.address),
    remoteWrite: `  - url: ${link.url}/api/v1/write\n    name: centre\n    queue_config: { batch_send_deadline: 2s, max_backoff: 500ms }\n`,
  });
  const scrapes = async (more: number): Promise<void> => {
    const until = target.handedOut.length + more;
    await waitFor(
      `${more} scrapes`,
      () => target.handedOut.length >= until,
      30_000,
      () => agent.program.describe(),
    );
  };
  const writes = (fate: Parameters<DisturbingProxy['count']>[0]): number => link.count(fate);
  const ends: { readonly toldMs: number; readonly goneMs: number }[] = [];
  /** Between the two it may still be scraping, on a busy machine for a while: it is another one only when it is gone. */
  const end = async (how: () => Promise<unknown>): Promise<void> => {
    const toldMs = Date.now();
    await how();
    ends.push({ toldMs, goneMs: Date.now() });
  };

  await waitFor('samples to arrive', async () => (await prometheus.query(`up{job="odd",cluster="${CLUSTER}"}`)).length === 1, 20_000);

  // Answers are lost: what is stored already is sent again, and refused or taken as it is.
  link.decide = () => (writes('lose_answer') < 2 ? 'lose_answer' : 'pass');
  await waitFor('answers to be lost', () => writes('lose_answer') === 2, 20_000);

  for (const fate of ['portal', 'reset'] as const) {
    link.decide = () => fate;
    await scrapes(3);
    await waitFor('retries', () => writes(fate) > 1, 20_000);
    link.decide = () => 'pass';
    await scrapes(1);
  }

  // Killed during an outage: the log has what was not sent.
  link.decide = () => 'reset';
  await scrapes(2);
  await end(() => agent.kill9());
  await agent.start();
  await scrapes(2);
  link.decide = () => 'pass';
  await scrapes(2);

  // SIGINT flushes, and so does SIGTERM: at the end nothing is left for a next start.
  await end(async () => {
    agent.program.kill('SIGINT');
    expect(await agent.program.exited()).toBe(0);
  });
  await agent.start();
  await scrapes(3);
  expect(await agent.stop()).toBe(0);

  const read = () => prometheus.read({ job: 'odd' }, startMs - 60_000, Date.now() + 60_000);
  const outcome = compare({
    scraped: target.handedOut.filter(({ complete }) => complete),
    delivered: await read(),
    labels: { job: 'odd', instance: target.address, cluster: CLUSTER },
    restartsMs: ends.map(({ goneMs }) => goneMs),
    // Asked for when it was killed, not yet in the log.
    mayBeMissing: ({ askedMs }) => ends.some(({ toldMs, goneMs }) => askedMs > toldMs - 500 && askedMs <= goneMs),
  });
  expect(outcome.faults, agent.program.describe()).toEqual([]);
  expect(outcome.scrapes).toBeGreaterThan(15);
  expect(outcome.missingScrapes).toBeLessThanOrEqual(2);
  expect(outcome.markers).toBeGreaterThan(2);
}, 120_000);
