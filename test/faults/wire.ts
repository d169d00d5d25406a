import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as realSleep } from 'node:timers/promises';
import { defaultHttp } from '../../agent-lite/config/defaults.ts';
import { createHttpClient } from '../../agent-lite/http/client.ts';
import type { HttpClient } from '../../agent-lite/model.ts';
import type { World } from '../chain/world.ts';

/** Of the agent's timeouts: a minute is 300 ms. */
const TIMES_FASTER = 200;
const TLS = join(import.meta.dirname, '../fixtures/scrape/tls');

/**
 * What the way does to connections made from now on. `bytes`: so many come through first.
 * - `refuse`: nobody listens
 * - `reset_request`, `reset_answer`: RST in the middle of it; `close_answer`: FIN there
 * - `black_hole`: bytes vanish; `trickle`: one byte a second
 * - `certificate`: of another name, of an unknown CA, expired, not yet valid, or no TLS at all
 */
export type WireState =
  | { readonly kind: 'through' | 'refuse' | 'black_hole' | 'trickle' }
  | { readonly kind: 'reset_request' | 'reset_answer' | 'close_answer'; readonly bytes: number }
  | { readonly kind: 'certificate'; readonly fault: CertificateFault };
export type CertificateFault = 'name' | 'unknown_ca' | 'expired' | 'future' | 'not_tls';

/**
 * The agent's real HTTP client and a real network to the edge in this process: TCP over loopback, through something that cuts and
 * delays bytes. The clock of the world stands while they travel.
 */
export class Wire {
  state: WireState = { kind: 'through' };
  readonly #world: World;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #ports = new Map<string, number>();
  readonly #ca: Promise<Uint8Array>;
  #edge: HttpClient | undefined;

  private constructor(world: World) {
    this.#world = world;
    this.#ca = readFile(join(TLS, 'ca.pem'));
  }

  static async start(world: World, after: (end: () => Promise<unknown>) => void): Promise<Wire> {
    const wire = new Wire(world);
    after(() => wire.#stop());
    const listener: RequestListener = (request, response) => void wire.#serve(request, response);
    wire.#ports.set('plain', await wire.#listen(createHttpServer(listener)));
    for (const name of ['server', 'expired', 'future']) {
      const [cert, key] = await Promise.all([readFile(join(TLS, `${name}.pem`)), readFile(join(TLS, `${name}.key`))]);
      wire.#ports.set(name, await wire.#listen(createHttpsServer({ cert, key }, listener)));
    }
    wire.#ports.set('front', await wire.#listen(createServer({ pauseOnConnect: true }, (near) => wire.#join(near))));
    const closed = createServer();
    const port = await wire.#listen(closed);
    await new Promise((done) => closed.close(done));
    wire.#ports.set('closed', port);
    return wire;
  }

  /** For {@link DeviceOptions.http}. */
  client(edge: HttpClient): HttpClient {
    this.#edge = edge;
    const clock = { boot: () => performance.now(), sleep: sleepFaster };
    const make = (tls: Partial<typeof defaultHttp.tls>): HttpClient =>
      createHttpClient({ ...defaultHttp, tls: { ...defaultHttp.tls, ...tls } }, { readFile: () => this.#ca, clock });
    const ca = { kind: 'file', path: 'ca.pem' } as const;
    const clients = { trusting: make({ ca }), other: make({ ca, serverName: 'other.test' }), strict: make({}) };
    return {
      request: (asked) =>
        this.#world.held(() => {
          const { pathname } = new URL(asked.url);
          const { state } = this;
          const fault = state.kind === 'certificate' ? state.fault : undefined;
          const scheme = fault === undefined ? 'http' : 'https';
          const port = state.kind === 'refuse' ? this.#ports.get('closed') : this.#ports.get('front');
          const client = fault === 'name' ? clients.other : fault === 'unknown_ca' ? clients.strict : clients.trusting;
          return client.request({ ...asked, url: `${scheme}://127.0.0.1:${port}${pathname}` });
        }),
      close: () => {
        for (const client of Object.values(clients)) client.close();
      },
    };
  }

  /** Changes what happens to the connections that stand, too. */
  set(state: WireState): void {
    this.state = state;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const { method, url } = request;
    const body = chunks.length === 0 ? {} : { body: new Uint8Array(Buffer.concat(chunks)) };
    const asked = { method: method as 'POST', url: `http://edge${url}`, headers, ...body, timeoutMs: 0, maxBytes: 0 };
    try {
      const answer = await this.#world.released(async () => this.#edge?.request(asked));
      response.writeHead(answer?.status ?? 500, { ...answer?.headers }).end(answer?.body);
    } catch {
      response.destroy();
    }
  }

  #join(near: Socket): void {
    const { state } = this;
    const server =
      state.kind !== 'certificate' ? 'plain' : { expired: 'expired', future: 'future', not_tls: 'plain' }[state.fault as string];
    const far = connect(this.#ports.get(server ?? 'server') ?? 0, '127.0.0.1');
    this.#carry(near, far, state, 'request');
    this.#carry(far, near, state, 'answer');
    near.resume();
  }

  #carry(from: Socket, to: Socket, state: WireState, direction: 'request' | 'answer'): void {
    this.#sockets.add(from);
    let carried = 0;
    const cuts = state.kind === `reset_${direction}` || (state.kind === 'close_answer' && direction === 'answer');
    const limit = cuts && 'bytes' in state ? state.bytes : Number.POSITIVE_INFINITY;
    from.on('data', (bytes: Buffer) => {
      if (state.kind === 'black_hole') return;
      if (state.kind === 'trickle') {
        // What comes beyond the timeout nobody waits for.
        from.pause();
        void trickle(bytes, to).then(() => from.resume());
        return;
      }
      const some = bytes.subarray(0, Math.max(0, limit - carried));
      carried += bytes.length;
      if (some.length > 0 && !to.destroyed) to.write(some);
      if (carried < limit || to.destroyed) return;
      if (state.kind === 'close_answer') to.end(() => from.destroy());
      else for (const socket of [from, to]) socket.resetAndDestroy();
    });
    from.on('end', () => void to.end());
    from.on('error', () => void to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server);
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(0, '127.0.0.1', done);
    });
    return (server.address() as AddressInfo).port;
  }

  async #stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) {
      if (!server.listening) continue;
      if ('closeAllConnections' in server) (server.closeAllConnections as () => void).call(server);
      await new Promise((done) => server.close(done));
    }
  }
}

async function trickle(bytes: Buffer, to: Socket): Promise<void> {
  for (let at = 0; at < bytes.length && !to.destroyed; at++) {
    to.write(bytes.subarray(at, at + 1));
    await realSleep(1000 / TIMES_FASTER);
  }
}

/** Of {@link Clock.sleep}. */
async function sleepFaster(ms: number, signal?: AbortSignal): Promise<void> {
  await realSleep(ms / TIMES_FASTER, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
