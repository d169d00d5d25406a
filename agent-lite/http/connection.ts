import type { AgentOptions, ClientRequest, ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent, RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { nodeHttp, nodeHttps, nodeTls } from '../platform/node-http.ts';
import type { TlsOptions } from './tls.ts';
import { TlsSessions } from './tls-sessions.ts';

type HeaderLists = Readonly<Record<string, string | readonly string[]>>;

/** As Node wants it. */
const mutable = (headers: HeaderLists): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]));

/** Connections to hosts, directly and through proxies, kept alive. One pool per state of the TLS files. */
export class ConnectionPool {
  readonly #tls: TlsOptions;
  readonly #http = new nodeHttp.Agent(KEEP_ALIVE);
  /** Made when it is wanted, as its module is. */
  #https: HttpsAgent | undefined;
  /** Of servers, whatever way leads to them. */
  readonly #sessions = new TlsSessions();
  /** To proxies that speak TLS: tls_config is about the targets. */
  #proxyTls: HttpsAgent | undefined;
  readonly #tunnels = new Map<string, HttpsAgent>();
  /** Sent to proxies with CONNECT. */
  readonly #connectHeaders: HeaderLists;

  constructor(tls: TlsOptions, connectHeaders: HeaderLists = {}) {
    this.#tls = tls;
    this.#connectHeaders = connectHeaders;
  }

  /** Starts a request. Through a proxy: plain HTTP as absolute form, HTTPS as a tunnel. */
  open(url: URL, method: string, headers: HeaderLists, proxy: URL | undefined): ClientRequest {
    const list = mutable(headers);
    if (url.protocol === 'https:') {
      const { request } = nodeHttps();
      if (proxy !== undefined) return request(url, { method, headers: list, agent: this.#tunnel(proxy) });
      this.#https ??= resumingAgent(this.#tls, this.#sessions);
      return request(url, { method, headers: list, agent: this.#https });
    }
    if (proxy === undefined) return nodeHttp.request(url, { method, headers: list, agent: this.#http });
    return senderTo(proxy)({
      protocol: proxy.protocol,
      hostname: hostOf(proxy),
      port: portOf(proxy),
      path: url.href,
      method,
      headers: { ...list, host: url.host, ...proxyAuthorization(proxy) },
      agent: proxy.protocol === 'https:' ? this.#toProxies() : this.#http,
    });
  }

  /** Closes what waits for a next request; requests under way end by themselves and are not kept. */
  close(): void {
    for (const agent of this.#agents()) {
      agent.maxFreeSockets = 0;
      dropFree(agent);
    }
  }

  /** Closes the waiting connections, e.g. because one of them turned out to be dead. */
  dropIdle(): void {
    for (const agent of this.#agents()) dropFree(agent);
  }

  #agents(): HttpAgent[] {
    const all = [this.#http, this.#https, this.#proxyTls, ...this.#tunnels.values()];
    return all.filter((agent) => agent !== undefined);
  }

  #toProxies(): HttpsAgent {
    const { Agent } = nodeHttps();
    this.#proxyTls ??= new Agent(KEEP_ALIVE);
    return this.#proxyTls;
  }

  #tunnel(proxy: URL): HttpsAgent {
    const known = this.#tunnels.get(proxy.href);
    if (known !== undefined) return known;
    const agent = tunnelAgent(proxy, this.#tls, this.#sessions, this.#connectHeaders);
    this.#tunnels.set(proxy.href, agent);
    return agent;
  }
}

/**
 * TCP's probes on a silent connection, ms. Left alone Node sends one each second: 9 MB a day, more than all samples, and a radio that
 * never sleeps. This seldom they cost 0.3 MB, come before a NAT forgets (few do within half a minute; a handshake a push is 5 MB a
 * day), and find a dead connection before the next push hangs on it.
 */
const PROBE_AFTER_MS = 25_000;

/** `autoSelectFamily`: Node 18 would try `localhost` as ::1 only, where many exporters do not listen. */
const KEEP_ALIVE: AgentOptions & { autoSelectFamily: boolean } = {
  autoSelectFamily: true,
  keepAlive: true,
  keepAliveMsecs: PROBE_AFTER_MS,
  scheduling: 'lifo',
  maxFreeSockets: 4,
};

function dropFree(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');
const portOf = (url: URL): number => (url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port));

function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '' && proxy.password === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

type Connected = (error: Error | null, socket: Duplex) => void;

/** Connects with the session known of the server. */
function resumingAgent(tls: TlsOptions, sessions: TlsSessions): HttpsAgent {
  const { Agent } = nodeHttps();
  const agent = new Agent({ ...KEEP_ALIVE, ...tls, maxCachedSessions: 0 });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options: RequestOptions, connected?: Connected): Duplex | null | undefined => {
    const { host, port, servername } = options;
    return sessions.resume(serverKey(host, port, servername), (known) => connect({ ...options, ...known }, connected));
  };
  return agent;
}

const serverKey = (host: string | null | undefined, port: string | number | null | undefined, name: string | undefined): string =>
  `${host}:${port}:${name ?? ''}`;

const senderTo = (proxy: URL): typeof nodeHttp.request => (proxy.protocol === 'https:' ? nodeHttps().request : nodeHttp.request);

/** Makes each connection by asking the proxy for a tunnel (CONNECT) and speaking TLS through it. */
function tunnelAgent(proxy: URL, tls: TlsOptions, sessions: TlsSessions, headers: HeaderLists): HttpsAgent {
  const { Agent } = nodeHttps();
  const agent = new Agent({ ...KEEP_ALIVE, ...tls });
  agent.createConnection = (options: ClientRequestArgs, connected?: Connected): undefined => {
    const host = String(options.hostname ?? options.host ?? '');
    const authority = `${host.includes(':') ? `[${host}]` : host}:${options.port ?? 443}`;
    const done: Connected = (error, socket) => connected?.(error, socket);
    const connect = senderTo(proxy)({
      protocol: proxy.protocol,
      hostname: hostOf(proxy),
      port: portOf(proxy),
      method: 'CONNECT',
      path: authority,
      headers: { ...proxyAuthorization(proxy), ...mutable(headers), host: authority },
      agent: false,
    });
    // No connection is known by then, so the caller has nothing to end at its timeout.
    connect.setTimeout(CONNECT_TIMEOUT_MS, () => connect.destroy(new Error('the proxy did not answer CONNECT')));
    connect.once('connect', (response, socket) => {
      socket.setTimeout(0);
      if (response.statusCode !== 200) {
        socket.destroy();
        done(new Error(`the proxy refused the tunnel: expected status 200, got ${response.statusCode}`), socket);
        return;
      }
      const servername = tls.servername ?? nameOf(host);
      const name = servername === undefined ? {} : { servername };
      const key = serverKey(host, options.port, servername);
      done(
        null,
        sessions.resume(key, (known) => nodeTls().connect({ ...tls, socket, host, ...name, ...known })),
      );
    });
    connect.once('response', (response) => {
      response.resume();
      connect.destroy(new Error(`the proxy refused the tunnel: got status ${response.statusCode}`));
    });
    connect.once('error', (error) => done(error, connect.socket as Duplex));
    connect.end();
    return undefined;
  };
  return agent;
}

const CONNECT_TIMEOUT_MS = 30_000;

/** An address has no server name indication. */
const nameOf = (host: string): string | undefined => (/^[0-9.]+$|:/.test(host) ? undefined : host);
