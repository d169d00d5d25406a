import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestEdge } from '../../fakes/worker.ts';

export interface ServedEdge {
  readonly url: string;
  /** `METHOD path status` of each answer. */
  readonly answers: string[];
  close(): Promise<void>;
}

/** The Worker's own routes on loopback, so that a browser judges their CORS headers. */
export async function serveEdge(edge: TestEdge): Promise<ServedEdge> {
  const answers: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '/' } = request;
    const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]);
    const body = method === 'POST' || method === 'PUT' ? { body: new Uint8Array(Buffer.concat(chunks)) } : {};
    const result = await edge.fetch(url, { method, headers, ...body });
    answers.push(`${method} ${url} ${result.status}`);
    response.writeHead(result.status, Object.fromEntries(result.headers)).end(Buffer.from(await result.arrayBuffer()));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
