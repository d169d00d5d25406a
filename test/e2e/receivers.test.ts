import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeRemoteWrite, type WrittenSeries } from '../../contract/decode-remote-write.ts';
import { labelsKey, labelValue, METRIC_NAME } from '../../contract/labels.ts';
import { Cleanup } from './harness/cleanup.ts';
import { compare, type Scraped } from './harness/delivered.ts';
import { needProgram } from './harness/installed.ts';
import { freePort, Program } from './harness/program.ts';
import { DisturbingProxy } from './harness/proxy.ts';
import { differences, lastMarker, type QueriedReceiver } from './harness/queried.ts';
import { receiversUnderTest } from './harness/receivers.ts';
import { ScriptedTarget } from './harness/scripted-target.ts';
import { OWN_REPORTS, type StandardSender, standardSenders, startSender } from './harness/senders.ts';
import { AgentUnderTest, CLUSTER, deviceToken, EdgeUnderTest, IDENTITY, staticJob } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/**
 * Real senders, the edge, a real receiver: what the senders read is what went over the wire to the receiver, bit for bit, and what its
 * queries show. With `npm run e2e -- --receiver URL --query URL` the receiver is one given by address.
 */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const SCRAPES = 12;
/** Programs of a busy machine answer late; within the interval all is clear. */
const SCRAPE_INTERVAL = '2s';
const MAX_BYTES = 64 * 1024 * 1024;
const DEVICE = 'agent-lite';

/** Values that every receiver keeps, one series that comes and goes, one scrape that fails. */
const exposition = (number: number): string | undefined =>
  number === 9
    ? undefined
    : `# HELP n words\n# TYPE n counter\nn ${number}\n# TYPE odd gauge\nodd{v="nan"} NaN\nodd{v="tenth"} ${number / 10}\n` +
      `odd{v="ü\\n\\"q\\""} +Inf\nodd{v="big"} ${123456789012 + number}\nodd{v="small"} -${number}.5e-9\n` +
      `${number % 4 < 2 ? `comes_and_goes ${number}\n` : ''}`;

const relayConfig = ({ address }: QueriedReceiver, run: string): string => `
receivers:
  - name: given
    url: http://127.0.0.1:1/
    kind: ${address.kind}
${address.tenantHeader === '' ? '' : `    tenant_header: ${address.tenantHeader}`}
    queue_config: { max_backoff: 1s }
shard: { commit_interval: 100ms }
tenants:
  ${address.tenant}:
    min_push_interval: 100ms
    external_labels: { run: ${run} }
`;

/** What the receiver took, in the order in which it took it. */
const takenBy = (link: DisturbingProxy): readonly WrittenSeries[] => {
  const all = new Map<string, WrittenSeries>();
  for (const { status, requestBody } of link.exchanges) {
    if (status === undefined || status >= 300) continue;
    for (const { labels, samples } of decodeRemoteWrite(requestBody, MAX_BYTES)) {
      const key = labelsKey(labels);
      all.set(key, { labels, samples: [...(all.get(key)?.samples ?? []), ...samples] });
    }
  }
  return [...all.values()];
};
/** A request whose answer was lost is sent again: receivers take the same sample twice. */
const once = (series: readonly WrittenSeries[]): readonly WrittenSeries[] =>
  series.map(({ labels, samples }) => ({ labels, samples: [...new Map(samples.map((sample) => [sample.time, sample])).values()] }));

interface Sending {
  readonly device: string;
  readonly job: string;
  readonly target: string;
  readonly scraped: () => readonly Scraped[];
  readonly sender: StandardSender | undefined;
}

async function start(receiver: QueriedReceiver) {
  const run = `e2e-${randomBytes(6).toString('hex')}`;
  await receiver.probe(run, Date.now());
  const { writeUrl } = receiver.address;
  const link = await DisturbingProxy.start(new URL(writeUrl).origin);
  cleanup.add(() => link.stop());
  const edge = await EdgeUnderTest.start(cleanup, `${link.url}${new URL(writeUrl).pathname}`, relayConfig(receiver, run));
  return { run, link, edge, receiver };
}

async function scripted(): Promise<ScriptedTarget> {
  const target = await ScriptedTarget.start(exposition);
  cleanup.add(() => target.stop());
  return target;
}

/** A node_exporter behind a proxy that keeps what it gave out. */
async function nodeExporter(path: string): Promise<DisturbingProxy> {
  const port = await freePort();
  const exporter = await Program.start('node_exporter', path, [`--web.listen-address=127.0.0.1:${port}`]);
  cleanup.add(() => exporter.stop());
  await waitFor('node_exporter', async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).ok);
  const recorder = await DisturbingProxy.start(`http://127.0.0.1:${port}`);
  cleanup.add(() => recorder.stop());
  return recorder;
}

const recorded = ({ exchanges }: DisturbingProxy): readonly Scraped[] =>
  exchanges
    .filter(({ responseBody }) => responseBody !== undefined)
    .map(({ askedMs, responseBody }) => ({ askedMs, text: responseBody?.toString('utf8') }));

/** All of what the senders read until now: on the wire exactly, and in the receiver's queries. */
async function expectAll(stack: Awaited<ReturnType<typeof start>>, senders: readonly Sending[], describeAll: () => string) {
  const { run, link, receiver, edge } = stack;
  for (const { device, job, target, scraped, sender } of senders) {
    const until = scraped().slice(0, -1);
    const lastMs = until.at(-1)?.askedMs ?? 0;
    const isOurs = ({ labels }: WrittenSeries): boolean =>
      labelValue(labels, IDENTITY) === device && labelValue(labels, 'job') === job && labelValue(labels, 'run') === run;
    const ours = () => takenBy(link).filter(isOurs);
    await waitFor(
      `the last scrape of ${device} to arrive`,
      () =>
        ours().some(({ labels, samples }) => labelValue(labels, METRIC_NAME) === 'up' && samples.some(({ time }) => time > lastMs + 100)),
      60_000,
      describeAll,
    );
    const labels = { job, instance: target, cluster: CLUSTER, run, [IDENTITY]: device };
    const outcome = compare({
      scraped: until,
      delivered: ours().filter((series) => !OWN_REPORTS.has(labelValue(series.labels, METRIC_NAME) ?? '')),
      labels,
      // Standard senders leave out a value that equals zero, and with it the sign.
      zeroHasNoSign: sender !== undefined,
      boundsAsExposed: sender !== undefined,
      ...sender?.loose,
    });
    expect(outcome.faults, `${device}\n${describeAll()}`).toEqual([]);
    expect(outcome.scrapes).toBe(until.length);

    const wanted = once(ours()).map((series) => ({ ...series, samples: series.samples.filter(({ time }) => time <= lastMs) }));
    const look = async () => {
      const shown = await receiver.raw(`{run="${run}",job="${job}",${IDENTITY}="${device}"}[1h]`);
      const cut = shown.map((series) => ({ ...series, samples: series.samples.filter(({ time }) => time <= lastMs) }));
      return differences(wanted, cut, receiver.address.relativeError);
    };
    await waitFor(`queries to show all of ${device}`, async () => (await look()).length === 0, 60_000).catch(() => {
      // The comparison below says what is missing.
    });
    expect(await look(), device).toEqual([]);
    const marker = lastMarker(wanted, 'comes_and_goes');
    if (marker === undefined) continue;
    const selector = `comes_and_goes{run="${run}",${IDENTITY}="${device}"}`;
    expect([await receiver.present(selector, marker.valueMs + 1), await receiver.present(selector, marker.markerMs + 1)]).toEqual([1, 0]);
  }
  // Where an answer was lost the receiver may refuse what it has: then that is a letter, and nothing is missing.
  expect(await edge.metrics()).not.toMatch(/relay_dead_letters_total\{[^}]*reason="(?!repeat_refused)[^"]*"\} [1-9]/);
}

describe.each(receiversUnderTest())('receiver: $name', ({ start: startReceiver }) => {
  it('has exactly what Prometheus, its agent mode and vmagent send through the edge, also over an outage', async (context) => {
    const receiver = await startReceiver(cleanup, context);
    const paths = new Map(standardSenders.map(({ program }) => [program, needProgram(context, program)]));
    const exporter = await nodeExporter(needProgram(context, 'prometheus-node-exporter'));
    const stack = await start(receiver);
    const programs: Program[] = [stack.edge.program];
    const senders: Sending[] = [];
    for (const sender of standardSenders) {
      const target = await scripted();
      // One of them reads a real exporter besides.
      const reads = sender.name === 'vmagent';
      const scrapeConfigs = staticJob('standard', target.address) + (reads ? staticJob('node', exporter.address) : '');
      const path = paths.get(sender.program) ?? '';
      const options = { path, edgeUrl: stack.edge.url, tenant: receiver.address.tenant, scrapeConfigs, scrapeInterval: SCRAPE_INTERVAL };
      programs.push(await startSender(cleanup, sender, options));
      const given = { device: sender.name, sender };
      senders.push({ ...given, job: 'standard', target: target.address, scraped: () => target.handedOut });
      if (reads) senders.push({ ...given, job: 'node', target: exporter.address, scraped: () => recorded(exporter) });
    }
    const describeAll = (): string => programs.map((program) => program.describe()).join('\n');
    const until = (scrapes: number) =>
      waitFor(`${scrapes} scrapes`, () => senders.every(({ scraped }) => scraped().length >= scrapes), 60_000, describeAll);

    await until(4);
    stack.link.decide = () => 'reset';
    await until(7);
    stack.link.decide = () => 'pass';
    await until(SCRAPES);
    await expectAll(stack, senders, describeAll);
  }, 180_000);

  it('has exactly what agent-lite reads, whatever is killed and whichever answer is lost', async (context) => {
    const receiver = await startReceiver(cleanup, context);
    const exporter = await nodeExporter(needProgram(context, 'prometheus-node-exporter'));
    const stack = await start(receiver);
    const target = await scripted();
    const agent = await AgentUnderTest.start(cleanup, {
      scrapeConfigs: staticJob('odd', target.address) + staticJob('node', exporter.address),
      edgeUrl: stack.edge.url,
      scrapeInterval: SCRAPE_INTERVAL,
      token: await deviceToken(DEVICE, { tenant: receiver.address.tenant }),
    });
    const describeAll = (): string => `${agent.program.describe()}\n${stack.edge.program.describe()}`;
    const until = (scrapes: number) => waitFor(`${scrapes} scrapes`, () => target.handedOut.length >= scrapes, 60_000, describeAll);

    await until(3);
    // The receiver takes it, the edge does not hear so, and sends it again.
    stack.link.decide = () => (stack.link.count('lose_answer') < 2 ? 'lose_answer' : 'pass');
    await waitFor('answers to be lost', () => stack.link.count('lose_answer') === 2, 30_000, describeAll);
    stack.link.decide = () => 'reset';
    await until(7);
    // With a backlog that no device holds any more.
    await stack.edge.killWorkerd();
    stack.link.decide = () => 'pass';
    await until(SCRAPES);
    const given = { device: DEVICE, sender: undefined };
    const senders: readonly Sending[] = [
      { ...given, job: 'odd', target: target.address, scraped: () => target.handedOut },
      { ...given, job: 'node', target: exporter.address, scraped: () => recorded(exporter) },
    ];
    await expectAll(stack, senders, describeAll);
    expect(await agent.stop()).toBe(0);
  }, 180_000);
});
