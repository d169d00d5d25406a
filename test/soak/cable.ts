import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * - `through`
 * - `refuse`: connections are reset, those that stand and new ones
 * - `black_hole`: bytes vanish, nothing is closed
 * - `slow`: a few kB a second
 */
export type CableState = 'through' | 'refuse' | 'black_hole' | 'slow';

const SLOW_BYTES_PER_MS = 8;

/** The network between an agent and the edge: bytes over loopback, which can be cut in the middle of anything. */
export class Cable {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #upstreamPort: number;
  #state: CableState = 'through';

  private constructor(server: Server, upstreamPort: number) {
    this.#server = server;
    this.#upstreamPort = upstreamPort;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket: Socket) => this.#join(socket));
  }

  static async start(upstreamPort: number): Promise<Cable> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(0, '127.0.0.1', done);
    });
    return new Cable(server, upstreamPort);
  }

  /** Connections that have lost bytes do not survive the change. */
  set(state: CableState): void {
    if (state === 'refuse' || this.#state === 'black_hole') this.cut();
    this.#state = state;
  }

  /** Every connection is reset, in the middle of whatever it carries. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  #join(near: Socket): void {
    if (this.#state === 'refuse') {
      near.on('error', () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.#upstreamPort, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes: Buffer) => this.#carry(bytes, from, to));
      from.on('end', () => void to.end());
      // The other end learns of it as of any broken connection.
      from.on('error', () => void to.resetAndDestroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    near.resume();
  }

  #carry(bytes: Buffer, from: Socket, to: Socket): void {
    if (this.#state === 'black_hole') return;
    if (this.#state === 'slow') {
      from.pause();
      setTimeout(() => {
        if (!to.destroyed) to.write(bytes);
        from.resume();
      }, bytes.length / SLOW_BYTES_PER_MS);
      return;
    }
    if (to.write(bytes)) return;
    from.pause();
    to.once('drain', () => void from.resume());
  }
}
