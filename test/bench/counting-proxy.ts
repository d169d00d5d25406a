import { connect, createServer, type Server, type Socket } from 'node:net';
import { nextProbeMs } from './tcp-probes.ts';

/** A NAT that forgets connections on which nothing was said for a while, without a word to either side. */
export interface Nat {
  /** What is said after so long a silence gets no answer but a reset; 0: never. */
  readonly idleMs: number;
  /** TCP's keepalive probes count as something said. */
  readonly hearsProbes: boolean;
}

export const NO_NAT: Nat = { idleMs: 0, hearsProbes: true };

/** After the last byte: by then the client has said whether it keeps the connection. */
const LOOK_MS = 1000;

/**
 * Passes TCP connections on and counts what goes through: everything above TCP, such as HTTP headers and TLS, and the client's keepalive
 * probes. Those end at this side's kernel, which a real NAT would pass on; the client's timer tells when they leave.
 */
export class CountingProxy {
  readonly port: number;
  /** From the client, and to it, bytes. */
  sent = 0;
  received = 0;
  connections = 0;
  /** In silences that are over. */
  probes = 0;
  readonly #server: Server;
  readonly #nat: Nat;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number, nat: Nat) {
    this.#server = server;
    this.port = port;
    this.#nat = nat;
  }

  static async start(upstreamPort: number, nat = NO_NAT): Promise<CountingProxy> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const proxy = new CountingProxy(server, typeof address === 'object' && address !== null ? address.port : 0, nat);
    server.on('connection', (client) => proxy.#pass(client, connect(upstreamPort, '127.0.0.1')));
    return proxy;
  }

  get bytes(): number {
    return this.sent + this.received;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #pass(client: Socket, upstream: Socket): void {
    this.connections++;
    const silence = new Silence(client.remotePort ?? 0, this.port);
    const end = (): void => {
      silence.end();
      client.destroy();
      upstream.destroy();
      this.#sockets.delete(client);
      this.#sockets.delete(upstream);
    };
    const forward = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
      this.#sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        count(chunk.length);
        const { lastedMs, probes, probeMs } = silence.broken();
        this.probes += probes;
        const unheardMs = this.#nat.hearsProbes && probes > 0 ? probeMs : lastedMs;
        if (this.#nat.idleMs > 0 && unheardMs > this.#nat.idleMs) {
          client.resetAndDestroy();
          end();
          return;
        }
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => from.resume());
      from.on('end', () => to.end());
      from.on('error', end);
      from.on('close', end);
    };
    forward(client, upstream, (bytes) => {
      this.sent += bytes;
    });
    forward(upstream, client, (bytes) => {
      this.received += bytes;
    });
  }
}

/** The time since something was said on a connection. */
class Silence {
  readonly #client: number;
  readonly #proxy: number;
  #sinceMs = performance.now();
  /**
   * Of silence before a probe, as the greatest that was seen: the kernel's timer is not set anew when something is said, it looks at the
   * time since then when it fires. In the first silence of a connection it has just been set.
   */
  #probeMs: number | undefined;
  #look: NodeJS.Timeout | undefined;

  /** Ports of the connection's two ends. */
  constructor(client: number, proxy: number) {
    this.#client = client;
    this.#proxy = proxy;
  }

  /** Something is said now. Returns how long nothing was, and how many probes the client sent meanwhile, one each `probeMs`. */
  broken(): { readonly lastedMs: number; readonly probes: number; readonly probeMs: number } {
    const lastedMs = performance.now() - this.#sinceMs;
    const probeMs = this.#probeMs ?? Number.POSITIVE_INFINITY;
    this.end();
    this.#sinceMs += lastedMs;
    this.#look = setTimeout(() => void this.#find(this.#sinceMs), LOOK_MS);
    return { lastedMs, probes: Math.floor(lastedMs / probeMs), probeMs };
  }

  end(): void {
    clearTimeout(this.#look);
  }

  async #find(sinceMs: number): Promise<void> {
    const next = await nextProbeMs(this.#client, this.#proxy).catch(() => undefined);
    if (next !== undefined && this.#sinceMs === sinceMs) this.#probeMs = Math.max(this.#probeMs ?? 0, performance.now() - sinceMs + next);
  }
}
