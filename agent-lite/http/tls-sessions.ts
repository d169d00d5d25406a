import type { Duplex } from 'node:stream';
import { nodeTls } from '../platform/node-http.ts';

/** Of the servers used last; one is some kB, the server's certificates are in it. */
const MAX_SESSIONS = 100;

/**
 * What servers gave out to make the next handshake a short one (RFC 8446, 2.2): without certificates, which are most of its bytes. Node's
 * own agent forgets a session when its connection ends by an error, which is how a NAT ends one, and has none in tunnels.
 */
export class TlsSessions {
  readonly #sessions = new Map<string, Buffer>();

  /** @param connect starts the connection to `server`, with the session that is known of it */
  resume<T extends Duplex | null | undefined>(server: string, connect: (known: { readonly session?: Buffer }) => T): T {
    const session = this.#sessions.get(server);
    const socket = connect(session === undefined ? {} : { session });
    if (!(socket instanceof nodeTls().TLSSocket)) return socket;
    let secure = false;
    socket.once('secureConnect', () => {
      secure = true;
    });
    socket.on('session', (given) => this.#keep(server, given));
    socket.once('close', () => {
      // A server that cannot use a session goes on without; one that breaks off over it must not do so forever.
      if (!secure && this.#sessions.get(server) === session) this.#sessions.delete(server);
    });
    return socket;
  }

  #keep(server: string, session: Buffer): void {
    this.#sessions.delete(server);
    this.#sessions.set(server, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
  }
}
