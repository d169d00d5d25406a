import { Agent, createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';

/**
 * What becomes of one request:
 * - `pass`
 * - `lose_answer`: it reaches the other side, the answer is thrown away and the connection broken
 * - `reset`: the connection is broken at once
 * - `black_hole`: no answer ever
 * - `portal`: a captive portal answers 200 with a page, nothing reaches the other side
 */
export type Fate = 'pass' | 'lose_answer' | 'reset' | 'black_hole' | 'portal';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly askedMs: number;
  readonly fate: Fate;
  readonly requestBody: Buffer;
  status: number | undefined;
  responseBody: Buffer | undefined;
}

/** A proxy on loopback between two programs, which records and disturbs. Takes plain HTTP; the other side may speak HTTPS. */
export class DisturbingProxy {
  readonly exchanges: Exchange[] = [];
  readonly url: string;
  readonly address: string;
  /** Decides for each request. */
  decide: (method: string, path: string) => Fate = () => 'pass';
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #upstream: string;

  private constructor(server: Server, port: number, upstream: string) {
    this.#server = server;
    this.#upstream = upstream;
    this.address = `127.0.0.1:${port}`;
    this.url = `http://${this.address}`;
    server.on('request', (request, response) => void this.#handle(request, response));
  }

  /** @param upstream `http://host:port`, or https */
  static async start(upstream: string): Promise<DisturbingProxy> {
    const server = createServer();
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(0, '127.0.0.1', done);
    });
    const address = server.address();
    return new DisturbingProxy(server, typeof address === 'object' && address !== null ? address.port : 0, upstream);
  }

  count(fate: Fate): number {
    return this.exchanges.filter((exchange) => exchange.fate === fate).length;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    const fate = this.decide(method, path);
    const askedMs = Date.now();
    if (fate === 'reset') {
      this.#record({ method, path, askedMs, fate, requestBody: Buffer.alloc(0) });
      request.socket.destroy();
      return;
    }
    const requestBody = await readAll(request).catch(() => undefined);
    if (requestBody === undefined) return;
    const exchange = this.#record({ method, path, askedMs, fate, requestBody });
    if (fate === 'black_hole') return;
    if (fate === 'portal') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Please sign in to the hotel network</body></html>');
      return;
    }
    try {
      const answer = await this.#forward(request, requestBody);
      exchange.status = answer.status;
      exchange.responseBody = answer.body;
      if (fate === 'lose_answer') request.socket.destroy();
      else response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      // The other side is down: so looks the proxy.
      request.socket.destroy();
    }
  }

  #record(exchange: Omit<Exchange, 'status' | 'responseBody'>): Exchange {
    const entry: Exchange = { ...exchange, status: undefined, responseBody: undefined };
    this.exchanges.push(entry);
    return entry;
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
    const url = new URL(request.url ?? '/', this.#upstream);
    // Not the proxy's own name: the other side may tell its hosts apart by it.
    const { connection: _, 'transfer-encoding': __, 'accept-encoding': ___, host: ____, ...headers } = request.headers;
    const secure = url.protocol === 'https:';
    return new Promise((done, failed) => {
      const forwarded = (secure ? httpsRequest : httpRequest)(
        url,
        {
          method: request.method ?? 'GET',
          headers: { ...headers, 'content-length': body.length },
          ...(secure ? {} : { agent: this.#agent }),
        },
        (answer) => {
          readAll(answer).then((bytes) => {
            const { connection: _c, 'transfer-encoding': _t, 'keep-alive': _k, ...rest } = answer.headers;
            done({ status: answer.statusCode ?? 0, headers: { ...rest, 'content-length': String(bytes.length) }, body: bytes });
          }, failed);
        },
      );
      forwarded.once('error', failed);
      forwarded.end(body);
    });
  }
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
