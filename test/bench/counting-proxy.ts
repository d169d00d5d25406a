import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Passes TCP connections on and counts what goes through: everything above TCP, such as HTTP headers and TLS. Like a NAT it may
 * forget connections on which nothing was said for a while, without a word to either side.
 */
export class CountingProxy {
  readonly port: number;
  /** From the client, and to it, bytes. */
  sent = 0;
  received = 0;
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** @param idleMs what is said after so long a silence gets no answer but a reset; 0: never */
  static async start(upstreamPort: number, idleMs = 0): Promise<CountingProxy> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const proxy = new CountingProxy(server, typeof address === 'object' && address !== null ? address.port : 0);
    server.on('connection', (client) => proxy.#pass(client, connect(upstreamPort, '127.0.0.1'), idleMs));
    return proxy;
  }

  get bytes(): number {
    return this.sent + this.received;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #pass(client: Socket, upstream: Socket, idleMs: number): void {
    this.connections++;
    let lastMs = performance.now();
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      this.#sockets.delete(client);
      this.#sockets.delete(upstream);
    };
    const forward = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
      this.#sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        count(chunk.length);
        const now = performance.now();
        if (idleMs > 0 && now - lastMs > idleMs) {
          client.resetAndDestroy();
          end();
          return;
        }
        lastMs = now;
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
