import type { HttpClientConfig } from '../config/types.ts';
import { type Clock, type HttpClient, HttpError, type HttpRequest, type HttpResponse, type Signal } from '../model.ts';
import { ConnectionPool } from './connection.ts';
import { withDeadline } from './deadline.ts';
import { exchange, StaleConnection } from './exchange.ts';
import { createTokenSource } from './oauth2.ts';
import { PlainClient } from './plain-client.ts';
import { type Environment, proxySelector } from './proxy.ts';
import { type ReadFile, readSecret } from './secret.ts';
import { loadTls } from './tls.ts';

export interface HttpClientOptions {
  readonly readFile: ReadFile;
  /** Ends requests that take too long, and tokens that are too old. */
  readonly clock: Pick<Clock, 'sleep' | 'boot'>;
  /** Where `proxy_from_environment` looks. */
  readonly environment?: Environment;
}

const MAX_REDIRECTS = 10;
/**
 * Of a repeatable request: a kept connection that has not begun to answer by then is left for another one, long before the request's
 * deadline. Only where the body is so small that also a slow link has carried it.
 */
const SILENT_MS = 10_000;
const MAX_REPEATED_BYTES = 16 * 1024;
/** Kept parsed; a client asks the same few again and again. */
const MAX_URLS = 1000;

type HeaderValues = Record<string, string | readonly string[]>;

function isEmpty(headers: HeaderValues): boolean {
  for (const _ in headers) return false;
  return true;
}

/**
 * An HTTP client over node:http and node:https (fetch costs 20 to 40 MB more memory); plain GETs, which scrapes are, go by
 * {@link PlainClient}. Secrets and TLS files are read for each request, so that renewed ones count without a restart.
 *
 * Redirects: GET and HEAD follow up to ten of any kind, PUT and POST only 307 and 308 (the others would turn them into a
 * GET); other answers of 3xx are returned. Credentials and configured headers never go to another origin.
 *
 * Throws {@link TypeError} where the configuration cannot work at all (a proxy URL that is none).
 */
export function createHttpClient(config: HttpClientConfig, options: HttpClientOptions): HttpClient {
  const proxyFor = proxySelector(config, options.environment ?? {});
  const tokenClient = config.oauth2 === undefined ? undefined : createHttpClient(config.oauth2.client, options);
  const tokens =
    config.oauth2 === undefined || tokenClient === undefined ? undefined : createTokenSource(config.oauth2, tokenClient, options);
  const connectHeaders = proxyHeaders(config);
  const plain = new PlainClient();
  const urls = new Map<string, URL>();
  let pool: { readonly version: string; readonly connections: ConnectionPool } | undefined;

  function urlOf(text: string): URL {
    const known = urls.get(text);
    if (known !== undefined) return known;
    const url = parseUrl(text);
    if (urls.size >= MAX_URLS) urls.clear();
    urls.set(text, url);
    return url;
  }

  async function connections(): Promise<ConnectionPool> {
    const { options: tls, version } = await loadTls(config.tls, options.readFile);
    if (pool?.version !== version) {
      pool?.connections.close();
      pool = { version, connections: new ConnectionPool(tls, connectHeaders) };
    }
    return pool.connections;
  }

  async function send(request: HttpRequest, url: URL, headers: HeaderValues, signal: Signal): Promise<HttpResponse> {
    const proxy = proxyFor(url);
    const once = async (suspect?: (heard: Signal) => Promise<void>): Promise<HttpResponse> => {
      const answer = proxy === undefined ? await plain.get(request, url, headers, signal) : undefined;
      if (answer !== undefined) return answer;
      const used = await connections();
      return exchange(used.open(url, request.method, headers, proxy), request.body, request.maxBytes, signal, suspect);
    };
    const small = request.repeatable === true && (request.body?.length ?? 0) <= MAX_REPEATED_BYTES;
    try {
      return await (small ? once((heard) => options.clock.sleep(SILENT_MS, heard)) : once());
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      if (request.method === 'POST' && request.repeatable !== true) throw new HttpError('network', error.message, { cause: error });
    }
    // The other kept connections have waited as long.
    plain.dropIdle();
    pool?.connections.dropIdle();
    try {
      return await once();
    } catch (error) {
      throw error instanceof StaleConnection ? new HttpError('network', error.message, { cause: error }) : error;
    }
  }

  async function follow(request: HttpRequest, signal: Signal): Promise<HttpResponse> {
    let url = urlOf(request.url);
    const { origin } = url;
    let secrets: HeaderValues | undefined = await secretHeaders(config, options.readFile);
    if (tokens !== undefined) secrets['authorization'] = await tokens.header(request.timeoutMs, signal);
    for (let redirects = 0; ; redirects++) {
      const headers = secrets === undefined || isEmpty(secrets) ? request.headers : { ...request.headers, ...secrets };
      const response = await send(request, url, headers, signal);
      if (response.status === 401) tokens?.forget();
      const next = config.followRedirects ? redirectTarget(request, response, url) : undefined;
      if (next === undefined) return response;
      if (redirects === MAX_REDIRECTS) throw new HttpError('network', `expected at most ${MAX_REDIRECTS} redirects, got more`);
      // Once away they stay off, even if a later redirect leads back.
      if (next.origin !== origin) secrets = undefined;
      url = next;
    }
  }

  return {
    request: (request) => withDeadline(request, options.clock, (signal) => follow(request, signal)),
    close() {
      tokenClient?.close();
      plain.close();
      pool?.connections.close();
    },
  };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new HttpError('network', 'url: expected http:// or https://');
  }
  return url;
}

/** Read anew for each request; what they yield goes to the configured origin only. */
async function secretHeaders(config: HttpClientConfig, readFile: ReadFile): Promise<HeaderValues> {
  const headers: HeaderValues = {};
  for (const { name, values } of config.headers) {
    const read: string[] = [];
    for (const value of values) read.push(await readSecret(value, readFile, `http_headers.${name}`));
    headers[name.toLowerCase()] = read;
  }
  if (config.authorization !== undefined) {
    const { type, credentials } = config.authorization;
    headers['authorization'] = `${type} ${await readSecret(credentials, readFile, 'authorization.credentials')}`;
  } else if (config.basicAuth !== undefined) {
    const { username, password } = config.basicAuth;
    const user = await readSecret(username, readFile, 'basic_auth.username');
    const secret = password === undefined ? '' : await readSecret(password, readFile, 'basic_auth.password');
    headers['authorization'] = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  }
  return headers;
}

function redirectTarget(request: HttpRequest, response: HttpResponse, url: URL): URL | undefined {
  const { status } = response;
  const location = response.headers['location'];
  if (location === undefined) return undefined;
  const repeats = request.method === 'GET' || request.method === 'HEAD';
  if (status !== 307 && status !== 308 && !(repeats && (status === 301 || status === 302 || status === 303))) return undefined;
  if (!URL.canParse(location, url.href)) throw new HttpError('network', 'redirect: expected a URL in the Location header');
  const next = new URL(location, url);
  if (next.protocol !== 'http:' && next.protocol !== 'https:')
    throw new HttpError('network', `redirect: expected http or https, got ${next.protocol}`);
  return next;
}

/** Of CONNECT. Not read from files, so they stay. */
function proxyHeaders({ proxyConnectHeaders }: HttpClientConfig): HeaderValues {
  const headers: HeaderValues = {};
  for (const { name, values } of proxyConnectHeaders) {
    headers[name] = values.flatMap((value) => (value.kind === 'inline' ? [value.value] : []));
  }
  return headers;
}
