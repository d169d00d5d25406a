import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpRequest } from '../../../agent-lite/model.ts';
import { labelsFromRecord, labelsKey } from '../../../contract/labels.ts';
import { FakeEdge, type StoredSample } from '../../fakes/edge.ts';

/** The fake edge behind a real server on loopback that lets pages of one origin in, as CORS demands. */
export interface EdgeServer {
  readonly url: string;
  readonly edge: FakeEdge;
  /** The `authorization` headers that came. */
  readonly tokens: Set<string>;
  /** While it is, requests get no answer: the connection is closed. */
  offline: boolean;
  /** Looked at for each request: before anything is done with it, and before it is answered. What it yields is waited for. */
  hold: (moment: 'arrived' | 'done', method: string) => Promise<void> | undefined;
  stored(labels: Readonly<Record<string, string>>): readonly StoredSample[];
  close(): Promise<void>;
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT'] satisfies HttpRequest['method'][];
const isMethod = (text: string): text is HttpRequest['method'] => METHODS.includes(text);

export async function startEdge(origin: string, now: () => number): Promise<EdgeServer> {
  const edge = new FakeEdge({ now });
  const tokens = new Set<string>();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (started.offline) {
      response.destroy();
      return;
    }
    const allow = {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'POST, PUT, HEAD',
      'access-control-allow-headers': 'authorization, content-type, content-encoding',
      'access-control-expose-headers': 'retry-after',
      // Asked before each request, so that tests meet the moment between.
      'access-control-max-age': '0',
    };
    await started.hold('arrived', request.method ?? '');
    if (request.method === 'OPTIONS') {
      response.writeHead(204, allow).end();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.headers.authorization !== undefined) tokens.add(request.headers.authorization);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const { method = '', url = '/' } = request;
    if (!isMethod(method)) throw new TypeError(`unexpected method ${method}`);
    const result = await edge.request({
      method,
      url: `http://edge${url}`,
      headers,
      body: Buffer.concat(chunks),
      timeoutMs: 1000,
      maxBytes: 0,
    });
    await started.hold('done', method);
    response.writeHead(result.status, { ...result.headers, ...allow }).end(result.body);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const started: EdgeServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    edge,
    tokens,
    offline: false,
    hold: () => undefined,
    stored: (labels) => edge.series.get(labelsKey(labelsFromRecord(labels))) ?? [],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return started;
}

/** A sample's value; staleness markers are `stale`. */
export function sampleValue({ bits }: StoredSample): number | 'stale' {
  if (bits === '7ff0000000000002') return 'stale';
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}
