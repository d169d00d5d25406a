import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signToken } from '../../functions/auth/token.ts';
import { agentConfig } from './agent-config.ts';
import { readFlags, readHttpUrl, readPort, runCommand } from './arguments.ts';
import { Child } from './child.ts';
import { type DevReceiver, startDevReceiver } from './dev-receiver.ts';
import { loadDeviceTokenKey } from './dev-vars.ts';
import { type Counters, describeFlow } from './flow.ts';
import { LiveLine } from './live-line.ts';
import { demandFreePort } from './ports.ts';
import { fetchMetrics } from './text-metrics.ts';

const USAGE = `Usage: npm start [-- --receiver=URL] [--relay-config FILE] [--port 8787] [--agent-port 9095] [--receiver-port 19291]

Starts the whole path on this machine: agent-lite, which scrapes itself (and node_exporter on 127.0.0.1:9100, if one answers
there), the edge in Cloudflare's open runtime, and a receiver with a page. Ctrl-C stops all of it.
  --receiver       remote-write address of a receiver of yours, instead of the development receiver
  --relay-config   YAML file in place of infra/relay.yml, e.g. to say of what kind the receiver is
  --port           port of the edge
  --agent-port     port of the agent's status page
  --receiver-port  port of the development receiver
State (the agent's log, the edge's buffer, configuration, output of the programs) is kept in .local/.`;

const TENANT = 'acme';
const DEVICE = 'gw-1';
const READY_DEADLINE_MS = 60_000;
/** The agent pushes what it can within its own deadline before it ends. */
const STOP_DEADLINE_MS = 8000;
const LINE_INTERVAL_MS = process.stdout.isTTY ? 1000 : 10_000;
/** Rates are taken over this many lines. */
const RATE_LINES = process.stdout.isTTY ? 10 : 1;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    {
      receiver: { type: 'string' },
      'relay-config': { type: 'string' },
      port: { type: 'string', default: '8787' },
      'agent-port': { type: 'string', default: '9095' },
      'receiver-port': { type: 'string', default: '19291' },
    },
    process.argv.slice(2),
  );
  const root = resolve(import.meta.dirname, '../..');
  const state = join(root, '.local');
  const edgePort = readPort('--port', flags.port);
  const agentPort = readPort('--agent-port', flags['agent-port']);
  const receiverPort = readPort('--receiver-port', flags['receiver-port']);
  const givenReceiver = flags.receiver === undefined ? undefined : readHttpUrl('--receiver', flags.receiver);
  await demandFreePort(edgePort, 'edge', '--port');
  await demandFreePort(agentPort, 'agent', '--agent-port');
  if (givenReceiver === undefined) await demandFreePort(receiverPort, 'development receiver', '--receiver-port');

  await mkdir(state, { recursive: true });
  const key = await loadDeviceTokenKey(join(root, '.dev.vars'));
  const token = await signToken(key, { tenant: TENANT, device: DEVICE, expiresMs: Date.now() + 365 * 86_400_000 });
  await writeFile(join(state, 'token'), `${token}\n`, { mode: 0o600 });
  const nodeExporter = await answers('http://127.0.0.1:9100/metrics');
  const edgeUrl = `http://127.0.0.1:${edgePort}`;
  const agentUrl = `http://127.0.0.1:${agentPort}`;
  await writeFile(join(state, 'agent.yml'), agentConfig({ edgeUrl, agentPort, nodeExporter }));

  const line = new LiveLine();
  const children: Child[] = [];
  let receiver: DevReceiver | undefined;
  let stopping: Promise<void> | undefined;
  const stop = (why: string): Promise<void> => {
    stopping ??= (async () => {
      line.end();
      process.stdout.write(`${why}\n`);
      // The agent first: what it still pushes the edge takes. Then the edge, then the receiver.
      for (const child of [...children].reverse()) await child.stop(STOP_DEADLINE_MS);
      await receiver?.stop();
    })();
    return stopping;
  };
  const start = (
    name: string,
    args: readonly string[],
    environment: Record<string, string>,
    isWorthShowing: (text: string) => boolean,
  ): Child => {
    const child = new Child(name, args, environment, join(state, `${name}.log`), (text) => {
      if (isWorthShowing(text)) line.print(`${name}: ${text}`);
    });
    children.push(child);
    void child.ended.then(async (how) => {
      if (stopping !== undefined) return;
      await stop(`the ${name} ended by itself (${how}); its last lines, all are in .local/${name}.log:\n${child.lastLines}`);
      process.exit(1);
    });
    return child;
  };
  let interrupted = 0;
  const onSignal = (): void => {
    interrupted++;
    if (interrupted > 1) {
      process.exit(130);
    }
    void stop('stopping (again to stop at once)').then(() => process.exit(0));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // Whatever ends this process, its children do not outlive it. (SIGKILL cannot be caught; the next start says what is left.)
  process.on('exit', () => {
    for (const child of children) child.end('SIGTERM');
  });

  if (givenReceiver === undefined) receiver = await startDevReceiver(receiverPort);
  start(
    'edge',
    [
      join(root, 'infra/local/edge-command.ts'),
      `--port=${edgePort}`,
      `--persist=${join(state, 'edge')}`,
      ...(flags['relay-config'] === undefined ? [] : [`--relay-config=${resolve(flags['relay-config'])}`]),
    ],
    { RECEIVER_URL: givenReceiver ?? receiver?.writeUrl ?? '' },
    (text) => !text.startsWith('edge listening'),
  );
  await ready('edge', `${edgeUrl}/-/ready`);
  const edgeAtStart = await fetchMetrics(`${edgeUrl}/metrics`);
  start(
    'agent',
    [
      join(root, 'agent-lite/main.ts'),
      `--config.file=${join(state, 'agent.yml')}`,
      `--storage.agent.path=${join(state, 'agent-data')}`,
      `--web.listen-address=127.0.0.1:${agentPort}`,
    ],
    {},
    (text) => /level=(warn|error)/.test(text) || !text.includes('level='),
  );
  await ready('agent', `${agentUrl}/-/ready`);

  process.stdout.write(
    `${[
      `agent      ${agentUrl}/   scrapes itself${nodeExporter ? ' and node_exporter on 127.0.0.1:9100' : '; no node_exporter answers on 127.0.0.1:9100'}`,
      `edge       ${edgeUrl}   tenant ${TENANT}, device ${DEVICE}`,
      receiver === undefined
        ? `receiver   ${givenReceiver}`
        : `receiver   ${receiver.url}   see the series arrive here (development receiver)`,
      `Ctrl-C stops all; state and logs are in .local/`,
    ].join('\n')}\n`,
  );
  const history: Counters[] = [];
  while (stopping === undefined) {
    const [agent, edge] = await Promise.all([fetchMetrics(`${agentUrl}/metrics`), fetchMetrics(`${edgeUrl}/metrics`)]);
    const now = { agent, edge, arrived: receiver?.totals().samples, atMs: Date.now() };
    if (stopping === undefined) line.show(describeFlow(now, history[0], edgeAtStart));
    history.push(now);
    if (history.length > RATE_LINES) history.shift();
    await sleep(LINE_INTERVAL_MS);
  }
  await stopping;
});

async function ready(name: string, url: string): Promise<void> {
  const deadline = Date.now() + READY_DEADLINE_MS;
  while (!(await answers(url))) {
    if (Date.now() > deadline)
      throw new Error(`the ${name} did not become ready within ${READY_DEADLINE_MS / 1000} s; see .local/${name}.log`);
    await sleep(100);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
