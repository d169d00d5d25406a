import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { ROOT } from '../e2e/harness/program.ts';
import { type Nat, NO_NAT } from './counting-proxy.ts';
import { type RigOptions, type RunningAgent, startAgentLite, trafficOf, watch } from './device-rig.ts';

/** What a day of pushes takes of a link over TLS, through NATs. */

export interface LinkFigures {
  readonly name: string;
  /** Above TCP, both directions. */
  readonly bytesPerDay: number;
  readonly fullHandshakesPerDay: number;
  readonly resumedHandshakesPerDay: number;
  /** IP packets of TCP's keepalive: probes and their acknowledgements. Not in `bytesPerDay`. */
  readonly probeBytesPerDay: number;
  /** Watched. */
  readonly pushes: number;
}

const NATS: readonly ({ readonly name: string } & Nat)[] = [
  { name: 'no NAT', ...NO_NAT },
  { name: 'NAT of 5 min', idleMs: 300_000, hearsProbes: true },
  { name: 'NAT of 30 s', idleMs: 30_000, hearsProbes: true },
  { name: 'NAT of 30 s, deaf to probes', idleMs: 30_000, hearsProbes: false },
];

/** As Cloudflare keeps a client's connection (its documentation, "Connection limits"). */
const EDGE_IDLE_MS = 400_000;
/** IPv4 and TCP headers with time stamps, there and back. */
const PROBE_BYTES = 2 * 52;

export interface LinkOptions {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly pushesPerDay: number;
}

/** One agent for each NAT, all at once, to an edge that is there already. */
export const benchLinks = (edgePort: number, given: RigOptions, options: LinkOptions): Promise<LinkFigures[]> =>
  Promise.all(NATS.map((nat, i) => link(nat, `link-${i}`, edgePort, given, options)));

async function link(nat: Nat & { readonly name: string }, device: string, edgePort: number, given: RigOptions, options: LinkOptions) {
  const cleanup = new Cleanup();
  try {
    const front = await TlsFront.start(cleanup, edgePort);
    const tls = `  tls_config: { ca_file: ${certificate('ca.pem')}, server_name: target.test }\n`;
    const agent = await startAgentLite(cleanup, await cleanup.folder('link'), front.port, { ...given, nat, device, scheme: 'https', tls });
    await watch(agent, 0, options.warmUpSeconds);
    const before = await countsOf(agent, front);
    await watch(agent, 0, options.seconds);
    const after = await countsOf(agent, front);
    const pushes = after.pushes - before.pushes;
    const perDay = options.pushesPerDay / pushes;
    return {
      name: nat.name,
      pushes,
      bytesPerDay: (after.bytes - before.bytes) * perDay,
      fullHandshakesPerDay: (after.full - before.full) * perDay,
      resumedHandshakesPerDay: (after.resumed - before.resumed) * perDay,
      probeBytesPerDay: (after.probes - before.probes) * PROBE_BYTES * perDay,
    };
  } finally {
    await cleanup.run();
  }
}

async function countsOf(agent: RunningAgent, front: TlsFront) {
  const { socket, pushed } = await trafficOf(agent);
  return { bytes: socket, probes: agent.proxy.probes, full: front.full, resumed: front.resumed, pushes: pushed?.requests ?? 0 };
}

/** The tests' own certificate. */
const certificate = (name: string): string => join(ROOT, 'test/fixtures/scrape/tls', name);

/** Speaks TLS for a plain HTTP server, and keeps its clients' connections longer than workerd does, which closes them after 5 s. */
class TlsFront {
  full = 0;
  resumed = 0;
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(cleanup: Cleanup, upstream: number): Promise<TlsFront> {
    const [cert, key] = await Promise.all([readFile(certificate('server.pem')), readFile(certificate('server.key'))]);
    const server = createServer({ cert, key, keepAliveTimeout: EDGE_IDLE_MS }, (request, response) => {
      const { method, url, headers } = request;
      const passed = httpRequest({ port: upstream, host: '127.0.0.1', method, path: url, headers, agent: false }, (answer) => {
        response.sendDate = false;
        response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
        answer.pipe(response);
      });
      passed.on('error', () => response.destroy());
      request.pipe(passed);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanup.add(async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    });
    const address = server.address();
    const front = new TlsFront(typeof address === 'object' && address !== null ? address.port : 0);
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.isSessionReused()) front.resumed++;
      else front.full++;
    });
    return front;
  }
}

/** Headers without those that are about one connection. */
function endToEnd(headers: NodeJS.Dict<string | string[]>): NodeJS.Dict<string | string[]> {
  const { connection, 'keep-alive': kept, ...passed } = headers;
  return passed;
}
