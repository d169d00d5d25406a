import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Result } from '../../contract/result.ts';
import { nodeHttp } from '../platform/node-http.ts';
import { statusPage } from './page.ts';
import { type AgentStatus, judge } from './status.ts';

export interface WebOptions {
  /** Empty: every interface. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly status: () => AgentStatus;
  /** Text format 0.0.4. */
  readonly metrics: () => string;
  /** Undefined: `/-/reload` and `/-/quit` are refused. */
  readonly lifecycle: Lifecycle | undefined;
}
export interface Lifecycle {
  /** Does not reject; an error is the reason why nothing has changed. */
  reload(): Promise<Result<undefined, string>>;
  /** Asks for the end; does not wait for it. */
  quit(): void;
}
export interface WebServer {
  /** The port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/** Connections at once: the page is for a person and a monitor, and the device has little memory. */
const MAX_CONNECTIONS = 32;

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Rejects where the address cannot be listened on. */
export function startWeb(options: WebOptions): Promise<WebServer> {
  const server = nodeHttp.createServer((request, response) => {
    // Nothing of a request's body is wanted.
    request.resume();
    void answer(options, request, response);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host === '' ? undefined : options.host, () => {
      server.off('error', reject);
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

async function answer(options: WebOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] as string;
  const method = request.method ?? 'GET';
  const page = Object.hasOwn(actions, path) ? await act(options, path as keyof typeof actions, method) : route(options, path, method);
  response.writeHead(page.status, {
    'content-type': page.type,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    // Whatever a target puts into its labels or errors: no script runs, nothing is fetched, nobody frames the page.
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...(page.status === 405 ? { allow: Object.hasOwn(actions, path) ? 'POST, PUT' : 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : page.body);
}

const text = (status: number, body: string): Page => ({ status, type: 'text/plain; charset=utf-8', body });

/** What changes something: asked for by POST or PUT, answered as Prometheus does (web/web.go). */
const actions = {
  async '/-/reload'({ reload }: Lifecycle): Promise<Page> {
    const done = await reload();
    return done.ok ? text(200, '') : text(500, `failed to reload config: ${done.error}\n`);
  },
  async '/-/quit'({ quit }: Lifecycle): Promise<Page> {
    quit();
    return text(200, 'Requesting termination... Goodbye!\n');
  },
};

async function act({ lifecycle }: WebOptions, path: keyof typeof actions, method: string): Promise<Page> {
  if (method !== 'POST' && method !== 'PUT') return text(405, `Method ${method} is not allowed here, only POST and PUT.\n`);
  if (lifecycle === undefined) return text(403, 'Lifecycle API is not enabled. Start agent-lite with --web.enable-lifecycle.\n');
  return actions[path](lifecycle);
}

function route(options: WebOptions, path: string, method: string): Page {
  const pages: Readonly<Record<string, () => Page>> = {
    '/': () => ({ status: 200, type: 'text/html; charset=utf-8', body: statusPage(options.status()) }),
    '/metrics': () => ({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: options.metrics() }),
    '/api/v1/status': () => ({ status: 200, type: 'application/json', body: statusJson(options.status()) }),
    '/-/healthy': () => text(200, 'agent-lite is Healthy.\n'),
    '/-/ready': () => (options.status().ready ? text(200, 'agent-lite is Ready.\n') : text(503, 'agent-lite is not ready.\n')),
  };
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) return text(404, 'Not found. There are: /, /metrics, /api/v1/status, /-/healthy, /-/ready, /-/reload, /-/quit\n');
  if (method !== 'GET' && method !== 'HEAD') return text(405, `Method ${method} is not allowed here, only GET and HEAD.\n`);
  try {
    return page();
  } catch (cause) {
    return text(500, `${cause instanceof Error ? cause.message : String(cause)}\n`);
  }
}

/** Wrapped as Prometheus' API answers are; whole ms and bytes. */
function statusJson(status: AgentStatus): string {
  const round = (_: string, value: unknown): unknown => (typeof value === 'number' ? Math.round(value) : value);
  return `${JSON.stringify({ status: 'success', data: { ...judge(status), ...status } }, round, 2)}\n`;
}
