import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { labelsFromRecord, labelsKey } from '../../contract/labels.ts';
import { Cleanup } from './harness/cleanup.ts';
import { compare } from './harness/delivered.ts';
import { needProgram } from './harness/installed.ts';
import { startStrictReceiver, taken } from './harness/ledger.ts';
import { freePort, Program } from './harness/program.ts';
import { ScriptedTarget } from './harness/scripted-target.ts';
import { CLUSTER, DEVICE, deviceToken, EdgeUnderTest, targetLabels } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/** A real Prometheus sends to the edge by remote write 1.0: every sample and marker arrives, through an outage of the receiver. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const SCRAPES = 12;
const exposition = (number: number): string | undefined =>
  number === 6
    ? undefined
    : `# HELP n words\n# TYPE n counter\nn ${number}\n# TYPE odd gauge\nodd{v="nan"} NaN\nodd{v="-0"} -0\nodd{v="ü\\n"} +Inf\n${
        number % 3 === 0 ? '' : `comes_and_goes ${number}\n`
      }`;

interface Sender {
  readonly name: string;
  readonly flags: (folder: string) => readonly string[];
  /** Of `remote_write`, as YAML. */
  readonly credentials: string;
  readonly path: string;
}

const senders: readonly Sender[] = [
  {
    name: 'prometheus',
    flags: (folder) => [`--storage.tsdb.path=${folder}`],
    credentials: 'authorization: { credentials_file: token }',
    path: '/api/v1/write',
  },
  {
    name: 'prometheus-agent',
    flags: (folder) => ['--enable-feature=agent', `--storage.agent.path=${folder}`],
    credentials: `basic_auth: { username: ${DEVICE}, password_file: token }`,
    path: '/api/v1/receive',
  },
];

/** A Prometheus on its own target; resolves with what tells whether all arrived. */
async function start({ name, flags, credentials, path }: Sender, program: string, edge: EdgeUnderTest) {
  const target = await ScriptedTarget.start(exposition);
  cleanup.add(() => target.stop());
  const folder = await cleanup.folder(name);
  await writeFile(join(folder, 'token'), await deviceToken());
  await writeFile(
    join(folder, 'prometheus.yml'),
    `
global: { scrape_interval: 1s, scrape_timeout: 1s, external_labels: { cluster: ${CLUSTER} } }
scrape_configs:
  - job_name: standard
    static_configs: [{ targets: ["${target.address}"] }]
remote_write:
  - url: ${edge.url}${path}
    ${credentials}
    queue_config: { batch_send_deadline: 500ms }
    metadata_config: { send_interval: 2s }
`,
  );
  const sender = await Program.start(name, program, [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--web.listen-address=127.0.0.1:${await freePort()}`,
    '--log.level=warn',
    ...flags(join(folder, 'data')),
  ]);
  cleanup.add(() => sender.stop());
  return { target, sender };
}

it('takes what Prometheus sends, as a server and as an agent, through an outage of the receiver', async (context) => {
  const program = needProgram(context, 'prometheus');
  const strict = await startStrictReceiver(cleanup);
  const edge = await EdgeUnderTest.start(cleanup, strict.url);
  const running = await Promise.all(senders.map((sender) => start(sender, program, edge)));
  const describeAll = (): string => [...running.map(({ sender }) => sender), edge.program].map((one) => one.describe()).join('\n');
  const until = (scrapes: number) =>
    waitFor(`${scrapes} scrapes`, () => running.every(({ target }) => target.handedOut.length >= scrapes), 30_000, describeAll);

  await until(4);
  strict.receiver.behave({ kind: 'down' });
  await until(7);
  strict.receiver.behave({ kind: 'ok' });
  await until(SCRAPES);

  for (const { target } of running) {
    const scraped = target.handedOut.slice(0, SCRAPES);
    const lastMs = scraped.at(-1)?.askedMs ?? 0;
    const ups = () => {
      const wanted = labelsKey(labelsFromRecord({ __name__: 'up', ...targetLabels('standard', target.address) }));
      return taken(strict).find(({ labels }) => labelsKey(labels) === wanted)?.samples ?? [];
    };
    await waitFor('the last scrape to arrive', () => ups().some(({ time }) => Math.abs(time - lastMs) < 500), 20_000, describeAll);
    const labels = targetLabels('standard', target.address);
    // Prometheus leaves out a value that equals zero, and with it the sign.
    const outcome = compare({ scraped, delivered: taken(strict), labels, zeroHasNoSign: true });
    expect(outcome.faults, describeAll()).toEqual([]);
    expect(outcome.scrapes).toBe(SCRAPES);
    expect(outcome.markers).toBeGreaterThan(4);
  }
  expect(strict.receiver.silentlyDropped).toBe(0);
  const metadata = strict.receiver.tenants.flatMap((tenant) => [...strict.receiver.tenant(tenant).metadata.values()]);
  expect(metadata).toContainEqual({ family: 'n', type: 'counter', help: 'words', unit: '' });
  expect(await edge.metrics()).not.toMatch(/relay_dead_letters_total\{[^}]*\} [1-9]/);
}, 60_000);
