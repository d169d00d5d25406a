import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { bundleKiosk } from './bundle.ts';

export interface SiteOptions {
  readonly port: number;
  readonly edgeUrl: string;
  /** Where the page's link leads. */
  readonly receiverUrl: string;
  readonly scrapeIntervalMs: number;
  readonly pushIntervalMs: number;
  /** A token for one kiosk, by its name. */
  readonly token: (device: string) => Promise<{ readonly token: string; readonly lifetimeMs: number }>;
  /** A name for a browser that comes for the first time: letters, digits, "-". */
  readonly newDevice: () => string;
}

export interface Site {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * The kiosk's own server: the page, tokens for it, and the exposition of a machine beside it. Which kiosk asks is told by a cookie that
 * it set, never by the page: a device's name is part of what a token proves. A server of yours knows it from a login.
 */
export async function startSite(options: SiteOptions): Promise<Site> {
  const { port, edgeUrl, receiverUrl, scrapeIntervalMs, pushIntervalMs } = options;
  const [html, css, script] = await Promise.all([
    readFile(join(import.meta.dirname, 'index.html')),
    readFile(join(import.meta.dirname, 'kiosk.css')),
    bundleKiosk(),
  ]);
  const policy = `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${edgeUrl}`;
  let brewed = 0;

  async function answer(method: string, path: string, cookie: string, response: ServerResponse): Promise<void> {
    const device = /(?:^|;\s*)kiosk=([a-z0-9-]{1,32})(?:;|$)/.exec(cookie)?.[1];
    switch (`${method} ${path}`) {
      case 'GET /':
        if (device === undefined)
          response.setHeader('set-cookie', `kiosk=${options.newDevice()}; HttpOnly; SameSite=Strict; Max-Age=31536000; Path=/`);
        response.setHeader('content-security-policy', policy);
        return send(response, 200, 'text/html; charset=utf-8', html);
      case 'GET /kiosk.css':
        return send(response, 200, 'text/css; charset=utf-8', css);
      case 'GET /kiosk.js':
        return send(response, 200, 'text/javascript; charset=utf-8', script);
      case 'GET /settings.json':
        return send(response, 200, 'application/json', JSON.stringify({ edgeUrl, receiverUrl, scrapeIntervalMs, pushIntervalMs }));
      case 'POST /token':
        if (device === undefined) return send(response, 401, 'text/plain', 'expected the cookie of this kiosk: load the page again\n');
        return send(response, 200, 'application/json', JSON.stringify(await options.token(device)));
      case 'GET /machine/metrics':
        return send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', machine(++brewed));
      default:
        return send(response, 404, 'text/plain', 'not found\n');
    }
  }

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    answer(request.method ?? '', pathname, request.headers.cookie ?? '', response).catch((error: unknown) => {
      process.stderr.write(`page: ${error instanceof Error ? error.message : String(error)}\n`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  // A token must not be kept, and a page that is being worked on neither.
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }).end(body);
}

/** As an exporter beside the kiosk would tell it. */
const machine = (scrapes: number): string => `# HELP machine_boiler_celsius Temperature of the boiler.
# TYPE machine_boiler_celsius gauge
machine_boiler_celsius ${(92 + 2 * Math.sin(scrapes / 5)).toFixed(2)}
# HELP machine_scrapes_total Times that this was asked for.
# TYPE machine_scrapes_total counter
machine_scrapes_total ${scrapes}
`;
