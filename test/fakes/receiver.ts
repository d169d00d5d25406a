import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemoryReceiver, WRITE_PATHS } from './in-memory-receiver.ts';

export type { Behaviour, FakeReceiverOptions, RequestRecord } from './in-memory-receiver.ts';

/** {@link InMemoryReceiver}, reachable over loopback too. */
export class FakeReceiver extends InMemoryReceiver {
  /** `port` 0: any free one. Resolves with the address of the write endpoint. */
  async listen(port = 0): Promise<{ readonly url: string; readonly port: number; close(): Promise<void> }> {
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    const address = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${address.port}${WRITE_PATHS[0]}`, port: address.port, close: () => closeServer(server) };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    const gone = new AbortController();
    // Of the response, not of the socket, which serves many requests.
    response.once('close', () => gone.abort());
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const headers = new Headers();
      for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
      const path = new URL(request.url ?? '/', 'http://receiver').pathname;
      const answer = await this.handle(path, request.method ?? '', headers, Buffer.concat(chunks), gone.signal);
      if (answer === undefined) {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status, { ...answer.headers });
      response.end(answer.status === 204 ? undefined : answer.words);
    } catch (error) {
      request.socket.destroy(error instanceof Error ? error : undefined);
    }
  }
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
