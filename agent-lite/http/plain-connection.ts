import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { HttpError, type Signal } from '../model.ts';
import { BodyMemory } from './body-memory.ts';
import { codeOf, httpError, StaleConnection } from './exchange.ts';
import { ResponseReader } from './response-reader.ts';

interface Waiting {
  readonly reader: ResponseReader;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Kept for a next request, of each host: paths of one host may be targets that are scraped at the same moment. */
const MAX_IDLE = 16;
/** What sockets read into, all of them: it is copied from before the next one reads. */
const READ_BYTES = 64 * 1024;

/** Unencrypted connections straight to hosts, kept alive, for GET. */
export class PlainConnections {
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #bodies = new BodyMemory();
  readonly #idle = new Map<string, PlainConnection[]>();
  #closed = false;

  /**
   * Sends a request and reads its answer. Rejects with {@link HttpError}, `StaleConnection` or `UnusualAnswer`.
   * @param url of http:, without user
   * @param head of the request: its lines, with the empty one at the end; latin1
   * @param maxBytes as {@link ResponseReader} takes it
   * @param signal its reason, an HttpError, becomes the failure
   */
  async get(url: URL, head: string, maxBytes: number, signal: Signal): Promise<ResponseReader> {
    if (signal.aborted) throw signal.reason;
    const connection = this.#idle.get(url.host)?.pop() ?? this.#open(url);
    const reader = new ResponseReader(maxBytes, this.#bodies);
    let abort = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        abort = () => connection.fail(signal.reason);
        signal.addEventListener('abort', abort);
        connection.send(head, { reader, resolve, reject });
      });
    } catch (error) {
      connection.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
    if (reader.reusable) this.#keep(url.host, connection);
    else connection.destroy();
    return reader;
  }

  #open(url: URL): PlainConnection {
    const port = url.port === '' ? 80 : Number(url.port);
    return new PlainConnection(url.hostname.replace(/^\[|\]$/g, ''), port, this.#buffer, (gone) => this.#forget(url.host, gone));
  }

  #keep(host: string, connection: PlainConnection): void {
    const idle = this.#idle.get(host) ?? [];
    if (this.#closed || idle.length >= MAX_IDLE || !connection.rest()) {
      connection.destroy();
      return;
    }
    idle.push(connection);
    this.#idle.set(host, idle);
  }

  #forget(host: string, gone: PlainConnection): void {
    const rest = this.#idle.get(host)?.filter((connection) => connection !== gone) ?? [];
    if (rest.length > 0) this.#idle.set(host, rest);
    else this.#idle.delete(host);
  }

  /** Closes the waiting connections. */
  dropIdle(): void {
    const all = [...this.#idle.values()].flat();
    this.#idle.clear();
    for (const connection of all) connection.destroy();
  }

  /** Requests under way end by themselves; their connections are not kept. */
  close(): void {
    this.#closed = true;
    this.dropIdle();
  }
}

class PlainConnection {
  readonly #socket: Socket;
  #waiting: Waiting | undefined;
  #served = false;
  #ended = false;

  constructor(host: string, port: number, buffer: Uint8Array, gone: (connection: PlainConnection) => void) {
    const options: TcpNetConnectOpts & { autoSelectFamily: boolean } = {
      ...{ host, port, noDelay: true },
      // Node 18 would try `localhost` as ::1 only, where many exporters do not listen.
      autoSelectFamily: true,
      onread: {
        buffer,
        callback: (count) => {
          this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, count));
          return true;
        },
      },
    };
    const socket = connect(options);
    this.#socket = socket;
    socket.on('error', (error) => this.#end(error, gone));
    socket.on('end', () => this.#end(undefined, gone));
    socket.on('close', () => this.#end(undefined, gone));
  }

  send(head: string, waiting: Waiting): void {
    this.#waiting = waiting;
    if (this.#ended) {
      this.fail(this.#hangUp(undefined));
      return;
    }
    this.#socket.ref();
    this.#socket.write(head, 'latin1');
  }

  /** The answer has come. False: the connection is of no more use. */
  rest(): boolean {
    this.#served = true;
    // A process that has nothing else to do may end.
    this.#socket.unref();
    return !this.#ended;
  }

  fail(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      // Nobody asked for it.
      this.#ended = true;
      this.destroy();
      return;
    }
    try {
      waiting.reader.push(bytes);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (!waiting.reader.done) return;
    this.#waiting = undefined;
    waiting.resolve();
  }

  #end(error: Error | undefined, gone: (connection: PlainConnection) => void): void {
    if (!this.#ended) gone(this);
    this.#ended = true;
    if (this.#waiting !== undefined) this.fail(this.#hangUp(error));
  }

  #hangUp(error: Error | undefined): Error {
    const begun = this.#waiting?.reader.begun === true;
    const code = codeOf(error);
    if (this.#served && !begun && (error === undefined || code === 'ECONNRESET' || code === 'EPIPE'))
      return new StaleConnection('the kept connection was closed', { cause: error });
    if (error !== undefined) return httpError(error);
    return new HttpError('network', begun ? 'the answer was aborted: the connection ended before it' : 'socket hang up: no answer came');
  }
}
