import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A loopback target that answers as a test says, and remembers what it was asked. */
export interface FakeTarget {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly url: string;
  readonly server: Server;
  readonly requests: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[];
  /** TCP connections made so far. */
  readonly connections: Socket[];
  answer: Answer;
  close(): Promise<void>;
}

export async function startTarget(answer: Answer, tls?: ServerOptions): Promise<FakeTarget> {
  const requests: FakeTarget['requests'] = [];
  const connections: Socket[] = [];
  const listener: Answer = (request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    target.answer(request, response);
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('connection', (socket: Socket) => connections.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const target: FakeTarget = {
    address,
    url: `${tls === undefined ? 'http' : 'https'}://${address}`,
    server,
    requests,
    connections,
    answer,
    async close() {
      server.closeAllConnections();
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return target;
}

/** Text format 0.0.4. */
export const exposition =
  (text: string | Uint8Array, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', ...headers });
    response.end(text);
  };

export const status =
  (code: number, body = ''): Answer =>
  (_, response) => {
    response.writeHead(code, { 'content-type': 'text/plain' });
    response.end(body);
  };

/** Never answers. */
export const hang: Answer = () => {};

/** Sends the start of an exposition and then nothing more. */
export const stall: Answer = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
  response.write('up 1\n');
};

/** Sends lines for as long as the other side reads. */
export const endless: Answer = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
  const chunk = 'a_series_that_never_ends 1\n'.repeat(2000);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
};
