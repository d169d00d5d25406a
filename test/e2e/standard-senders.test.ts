import { afterEach, expect, it } from 'vitest';
import { labelsFromRecord, labelsKey, labelValue, METRIC_NAME } from '../../contract/labels.ts';
import { Cleanup } from './harness/cleanup.ts';
import { compare } from './harness/delivered.ts';
import { needProgram } from './harness/installed.ts';
import { startStrictReceiver, taken } from './harness/ledger.ts';
import { ScriptedTarget } from './harness/scripted-target.ts';
import { OWN_REPORTS, type StandardSender, standardSenders, startSender } from './harness/senders.ts';
import { EdgeUnderTest, staticJob, TENANT, targetLabels } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/** Real senders write to the edge by remote write 1.0: every sample and marker arrives, through an outage of a strict receiver. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const SCRAPES = 12;
const exposition = (number: number): string | undefined =>
  number === 6
    ? undefined
    : `# HELP n words\n# TYPE n counter\nn ${number}\n# TYPE odd gauge\nodd{v="nan"} NaN\nodd{v="-0"} -0\nodd{v="ü\\n"} +Inf\n${
        number % 3 === 0 ? '' : `comes_and_goes ${number}\n`
      }`;

/** The sender on its own target. */
async function start(sender: StandardSender, path: string, edge: EdgeUnderTest) {
  const target = await ScriptedTarget.start(exposition);
  cleanup.add(() => target.stop());
  const scrapeConfigs = staticJob('standard', target.address);
  return { sender, target, program: await startSender(cleanup, sender, { path, edgeUrl: edge.url, tenant: TENANT, scrapeConfigs }) };
}

it('takes what Prometheus, as a server and as an agent, and vmagent send, through an outage of the receiver', async (context) => {
  const paths = new Map(standardSenders.map(({ program }) => [program, needProgram(context, program)]));
  const strict = await startStrictReceiver(cleanup);
  const edge = await EdgeUnderTest.start(cleanup, strict.url);
  const running = await Promise.all(standardSenders.map((sender) => start(sender, paths.get(sender.program) ?? '', edge)));
  const describeAll = (): string => [...running.map(({ program }) => program), edge.program].map((one) => one.describe()).join('\n');
  const until = (scrapes: number) =>
    waitFor(`${scrapes} scrapes`, () => running.every(({ target }) => target.handedOut.length >= scrapes), 30_000, describeAll);

  await until(4);
  strict.receiver.behave({ kind: 'down' });
  await until(7);
  strict.receiver.behave({ kind: 'ok' });
  await until(SCRAPES);

  for (const { sender, target } of running) {
    const labels = targetLabels('standard', target.address, sender.name);
    const scraped = target.handedOut.slice(0, SCRAPES);
    const lastMs = scraped.at(-1)?.askedMs ?? 0;
    const ups = () => {
      const wanted = labelsKey(labelsFromRecord({ __name__: 'up', ...labels }));
      return taken(strict).find(({ labels }) => labelsKey(labels) === wanted)?.samples ?? [];
    };
    await waitFor('the last scrape to arrive', () => ups().some(({ time }) => Math.abs(time - lastMs) < 500), 20_000, describeAll);
    const delivered = taken(strict).filter((series) => !OWN_REPORTS.has(labelValue(series.labels, METRIC_NAME) ?? ''));
    // Standard senders leave out a value that equals zero, and with it the sign.
    const outcome = compare({ scraped, delivered, labels, zeroHasNoSign: true, boundsAsExposed: true, ...sender.loose });
    expect(outcome.faults, `${sender.name}\n${describeAll()}`).toEqual([]);
    expect(outcome.scrapes).toBe(SCRAPES);
    expect(outcome.markers).toBeGreaterThan(4);
  }
  expect(strict.receiver.silentlyDropped).toBe(0);
  const metadata = strict.receiver.tenants.flatMap((tenant) => [...strict.receiver.tenant(tenant).metadata.values()]);
  expect(metadata).toContainEqual({ family: 'n', type: 'counter', help: 'words', unit: '' });
  expect(await edge.metrics()).not.toMatch(/relay_dead_letters_total\{[^}]*\} [1-9]/);
}, 60_000);
