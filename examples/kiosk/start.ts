import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signToken } from '../../functions/auth/token.ts';
import { readFlags, readPort, runCommand } from '../../infra/local/arguments.ts';
import { Child } from '../../infra/local/child.ts';
import { loadDeviceTokenKey } from '../../infra/local/dev-vars.ts';
import { demandFreePort } from '../../infra/local/ports.ts';
import { startReceiver } from './receiver.ts';
import { relayConfig, TENANT } from './relay-config.ts';
import { startSite } from './site.ts';

const USAGE = `Usage: npm run example:kiosk [-- --port 8080] [--edge-port 8787] [--receiver-port 9292] [--state .local/kiosk]

Starts a receiver (Prometheus where it is installed), the edge in Cloudflare's open runtime, and the server of a page with the agent
in it; prints the page's address. Ctrl-C stops all of it.
  --port           of the page
  --edge-port      of the edge
  --receiver-port  of the receiver
  --state          folder for what they store and print`;

/** Short, since it lies in a page; the page asks for another one in time. */
const TOKEN_LIFETIME_MS = 5 * 60_000;
const SCRAPE_INTERVAL_MS = 5_000;
const PUSH_INTERVAL_MS = 5_000;
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 8_000;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    {
      port: { type: 'string', default: '8080' },
      'edge-port': { type: 'string', default: '8787' },
      'receiver-port': { type: 'string', default: '9292' },
      state: { type: 'string', default: '.local/kiosk' },
    },
    process.argv.slice(2),
  );
  const root = resolve(import.meta.dirname, '../..');
  const state = resolve(flags.state);
  const port = readPort('--port', flags.port);
  const edgePort = readPort('--edge-port', flags['edge-port']);
  const receiverPort = readPort('--receiver-port', flags['receiver-port']);
  await demandFreePort(port, 'page', '--port');
  await demandFreePort(edgePort, 'edge', '--edge-port');
  await demandFreePort(receiverPort, 'receiver', '--receiver-port');
  await mkdir(state, { recursive: true });
  const key = await loadDeviceTokenKey(join(root, '.dev.vars'));

  const started: { stop(): Promise<void>; end?(): void }[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (why: string): Promise<void> => {
    stopping ??= (async () => {
      process.stdout.write(`${why}\n`);
      // The page's server first, the receiver last.
      for (const part of [...started].reverse()) await part.stop();
    })();
    return stopping;
  };
  const endedByItself = async (name: string, how: string): Promise<void> => {
    if (stopping !== undefined) return;
    await stop(`the ${name} ended by itself: ${how}`);
    process.exit(1);
  };
  let interrupted = 0;
  const onSignal = (): void => {
    interrupted++;
    if (interrupted > 1) process.exit(130);
    void stop('stopping (again to stop at once)').then(() => process.exit(0));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // Whatever ends this process, its children do not outlive it.
  process.on('exit', () => {
    for (const part of started) part.end?.();
  });

  try {
    const receiver = await startReceiver(receiverPort, state);
    started.push(receiver);
    void receiver.ended?.then((how) => endedByItself('receiver', how));
    if (receiver.readyUrl !== undefined) await ready('receiver', receiver.readyUrl);

    const origins = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
    const relayFile = join(state, 'relay.yml');
    await writeFile(relayFile, relayConfig(receiver.kind, origins));
    const edge = new Child(
      'edge',
      [join(root, 'infra/local/edge-command.ts'), `--port=${edgePort}`, `--persist=${join(state, 'edge')}`, `--relay-config=${relayFile}`],
      { RECEIVER_URL: receiver.writeUrl },
      join(state, 'edge.log'),
      (line) => {
        if (!line.startsWith('edge listening')) process.stdout.write(`edge: ${line}\n`);
      },
    );
    started.push({ stop: () => edge.stop(STOP_DEADLINE_MS), end: () => edge.end('SIGTERM') });
    void edge.ended.then((how) => endedByItself('edge', `${how}\n${edge.lastLines}`));
    const edgeUrl = `http://127.0.0.1:${edgePort}`;
    await ready('edge', `${edgeUrl}/-/ready`);

    const site = await startSite({
      ...{ port, edgeUrl, receiverUrl: receiver.pageUrl, scrapeIntervalMs: SCRAPE_INTERVAL_MS, pushIntervalMs: PUSH_INTERVAL_MS },
      newDevice: () => `kiosk-${randomBytes(4).toString('hex')}`,
      async token(device) {
        const now = Date.now();
        const token = await signToken(key, { tenant: TENANT, device, origins, issuedMs: now, expiresMs: now + TOKEN_LIFETIME_MS });
        return { token, lifetimeMs: TOKEN_LIFETIME_MS };
      },
    });
    started.push(site);
    process.stdout.write(
      `receiver   ${receiver.pageUrl}   (${receiver.name})\nedge       ${edgeUrl}\npage       ${site.url}/   open it in a browser; Ctrl-C stops all\n`,
    );
  } catch (error) {
    // Stopped while it was starting: that is no fault.
    if (stopping === undefined) await stop('could not start').then(() => Promise.reject(error));
  }
});

async function ready(name: string, url: string): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    try {
      if ((await fetch(url, { signal: AbortSignal.timeout(1000) })).ok) return;
    } catch {
      // Not yet.
    }
    if (performance.now() > deadline) throw new Error(`the ${name} was not ready within ${READY_DEADLINE_MS / 1000} s`);
    await sleep(100);
  }
}
