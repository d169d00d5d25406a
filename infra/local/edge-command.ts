import { mkdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readFlags, readHttpUrl, readPort, runCommand } from './arguments.ts';
import { loadAdminToken, loadDeviceTokenKey } from './dev-vars.ts';
import { startEdge } from './edge.ts';
import { demandFreePort } from './ports.ts';
import { checkRelayConfig } from './relay-config.ts';

const USAGE = `Usage: npm run edge -- [--port 8787] [--persist .local/edge] [--relay-config FILE] [--inspect-port N]

Runs the edge on this machine in Cloudflare's open runtime.
  --port          port on 127.0.0.1 (default 8787)
  --persist       folder for the buffer and the shards' state (default .local/edge)
  --relay-config  YAML file in place of infra/relay.yml
  --inspect-port  port on 127.0.0.1 for DevTools (default: none)
Environment: RECEIVER_URL overrides the receiver's address in the relay configuration.
The key of device tokens and the admin token are in .dev.vars, made on first use; "npm run -s token" and "npm run relay" use
the same ones.`;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    {
      port: { type: 'string', default: '8787' },
      persist: { type: 'string', default: '.local/edge' },
      'relay-config': { type: 'string' },
      'inspect-port': { type: 'string' },
    },
    process.argv.slice(2),
  );
  const root = resolve(import.meta.dirname, '../..');
  const port = readPort('--port', flags.port);
  const persist = resolve(flags.persist);
  const inspectorPort = flags['inspect-port'] === undefined ? undefined : readPort('--inspect-port', flags['inspect-port']);
  const receiverUrl = process.env['RECEIVER_URL'] ?? '';
  if (receiverUrl !== '') readHttpUrl('RECEIVER_URL', receiverUrl);

  const file = flags['relay-config'];
  const relayConfig = file === undefined ? undefined : await readFile(file, 'utf8');
  checkRelayConfig(file ?? resolve(root, 'infra/relay.yml'), relayConfig ?? (await readFile(resolve(root, 'infra/relay.yml'), 'utf8')));
  await demandFreePort(port, 'edge', '--port');
  await mkdir(persist, { recursive: true });
  const deviceTokenKey = await loadDeviceTokenKey(resolve(root, '.dev.vars'));
  const adminToken = await loadAdminToken(resolve(root, '.dev.vars'));

  const edge = await startEdge({
    root,
    port,
    persist,
    ...(inspectorPort === undefined ? {} : { inspectorPort }),
    variables: {
      DEVICE_TOKEN_KEY: deviceTokenKey,
      ADMIN_TOKEN: adminToken,
      ...(relayConfig === undefined ? {} : { RELAY_CONFIG: relayConfig }),
      ...(receiverUrl === '' ? {} : { RECEIVER_URL: receiverUrl }),
    },
    log: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`edge listening on ${edge.url}\n`);

  const stop = (): void => {
    void edge.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('SIGHUP', stop);
});
