import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BrowserBundle, bundleBrowser } from '../../../infra/build-browser.ts';
import type { Cleanup } from './cleanup.ts';

/**
 * A site on loopback with the library for pages as it is built. `/` runs it in the page, `/?worker` in a dedicated worker; both run the
 * same script, `/agent.js`, and answer `self.call(name)` in the page: `told`, what the target gave out, and `stop`.
 */
export interface PageSite {
  readonly origin: string;
  /** What `/agent.js` runs with, as JSON. */
  configure(settings: PageSettings): void;
}
export interface PageSettings {
  readonly edgeUrl: string;
  readonly token: string;
  readonly job: string;
  readonly instance: string;
  readonly values: readonly string[];
}

/** A value after the other in each series, one that comes and goes, and a name that needs escapes. Asked once a second. */
const AGENT = `
import { createAgent } from '/dist/agent-lite.js';
const { edgeUrl, token, job, instance, values } = await (await fetch('/settings.json')).json();
const told = [];
function metrics() {
  const number = told.length;
  const lines = ['# TYPE steps_total counter', 'steps_total ' + (number + 1)];
  values.forEach((_, i) => lines.push('odd_value{i="' + i + '"} ' + values[(i + number) % values.length]));
  if (number % 4 < 2) lines.push('comes_and_goes{path="C:\\\\\\\\dir",said="\\\\"\\u00b5s\\\\""} ' + number);
  const text = lines.join('\\n') + '\\n';
  told.push({ askedMs: Date.now(), text });
  return text;
}
const agent = createAgent({
  targets: [{ job, instance, metrics, scrapeIntervalMs: 1000 }],
  edgePush: { url: edgeUrl, token, pushIntervalMs: 2000 },
  log: { name: job },
  ownMetrics: false,
});
await agent.start();
export const calls = {
  told: async () => told,
  status: async () => agent.status(),
  async stop() {
    await agent.stop(10_000);
    return told;
  },
};
if (typeof document === 'undefined') {
  onmessage = async ({ data, ports }) => ports[0].postMessage(await calls[data]());
  postMessage('ready');
}
`;
const PAGE = `
if (location.search === '?worker') {
  const worker = new Worker('/agent.js', { type: 'module' });
  self.call = (name) => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage(name, [port2]);
  });
  await new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = ({ message }) => reject(new Error(message));
  });
} else {
  const { calls } = await import('/agent.js');
  self.call = (name) => calls[name]();
}
self.ready = true;
`;

export async function startPageSite(cleanup: Cleanup): Promise<PageSite> {
  const bundle: BrowserBundle = await bundleBrowser();
  let settings: PageSettings | undefined;
  const fileOf = (path: string): readonly [type: string, body: string | Uint8Array] | undefined => {
    if (path === '/') return ['text/html', '<!doctype html><script type="module" src="/page.js"></script>'];
    if (path === '/page.js') return ['text/javascript', PAGE];
    if (path === '/agent.js') return ['text/javascript', AGENT];
    if (path === '/settings.json') return ['application/json', JSON.stringify(settings)];
    const built = bundle.files.get(path.slice('/dist/'.length));
    return built === undefined ? undefined : ['text/javascript', built];
  };
  const server = createServer((request, response) => {
    const file = fileOf(new URL(request.url ?? '/', 'http://site').pathname);
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.[0] ?? 'text/plain' }).end(file?.[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.add(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    configure(to) {
      settings = to;
    },
  };
}
