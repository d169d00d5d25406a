import { type AgentOptions, type ClientRequest, type ClientRequestArgs, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import type { TlsOptions } from './tls.ts';
import { TlsSessions } from './tls-sessions.ts';

type HeaderLists = Readonly<Record<string, string | readonly string[]>>;

/** As Node wants it. */
const mutable = (headers: HeaderLists): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]));

/** Connections to hosts, directly and through proxies, kept alive. One pool per state of the TLS files. */
export class ConnectionPool {
  readonly #tls: TlsOptions;
  readonly #http = new HttpAgent(KEEP_ALIVE);
  readonly #https: HttpsAgent;
  /** Of servers, whatever way leads to them. */
  readonly #sessions = new TlsSessions();
  /** To proxies that speak TLS: tls_config is about the targets. */
  readonly #proxyTls = new HttpsAgent(KEEP_ALIVE);
  readonly #tunnels = new Map<string, HttpsAgent>();
  /** Sent to proxies with CONNECT. */
  readonly #connectHeaders: HeaderLists;

  constructor(tls: TlsOptions, connectHeaders: HeaderLists = {}) {
    this.#tls = tls;
    this.#connectHeaders = connectHeaders;
    this.#https = new ResumingAgent(tls, this.#sessions);
  }

  /** Starts a request. Through a proxy: plain HTTP as absolute form, HTTPS as a tunnel. */
  open(url: URL, method: string, headers: HeaderLists, proxy: URL | undefined): ClientRequest {
    const list = mutable(headers);
    if (url.protocol === 'https:') {
      const agent = proxy === undefined ? this.#https : this.#tunnel(proxy);
      return httpsRequest(url, { method, headers: list, agent });
    }
    if (proxy === undefined) return httpRequest(url, { method, headers: list, agent: this.#http });
    const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    return send({
      protocol: proxy.protocol,
      hostname: hostOf(proxy),
      port: portOf(proxy),
      path: url.href,
      method,
      headers: { ...list, host: url.host, ...proxyAuthorization(proxy) },
      agent: proxy.protocol === 'https:' ? this.#proxyTls : this.#http,
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
    return [this.#http, this.#https, this.#proxyTls, ...this.#tunnels.values()];
  }

  #tunnel(proxy: URL): HttpsAgent {
    const known = this.#tunnels.get(proxy.href);
    if (known !== undefined) return known;
    const agent = new TunnelAgent(proxy, this.#tls, this.#sessions, this.#connectHeaders);
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
class ResumingAgent extends HttpsAgent {
  readonly #sessions: TlsSessions;

  constructor(tls: TlsOptions, sessions: TlsSessions) {
    super({ ...KEEP_ALIVE, ...tls, maxCachedSessions: 0 });
    this.#sessions = sessions;
  }

  override createConnection(options: RequestOptions, connected?: Connected): Duplex | null | undefined {
    const { host, port, servername } = options;
    return this.#sessions.resume(serverKey(host, port, servername), (known) => super.createConnection({ ...options, ...known }, connected));
  }
}

const serverKey = (host: string | null | undefined, port: string | number | null | undefined, name: string | undefined): string =>
  `${host}:${port}:${name ?? ''}`;

/** Makes each connection by asking the proxy for a tunnel (CONNECT) and speaking TLS through it. */
class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;
  readonly #tls: TlsOptions;
  readonly #headers: HeaderLists;
  readonly #sessions: TlsSessions;

  constructor(proxy: URL, tls: TlsOptions, sessions: TlsSessions, headers: HeaderLists) {
    super({ ...KEEP_ALIVE, ...tls });
    this.#proxy = proxy;
    this.#sessions = sessions;
    this.#headers = headers;
    this.#tls = tls;
  }

  override createConnection(options: ClientRequestArgs, connected?: Connected): undefined {
    const host = String(options.hostname ?? options.host ?? '');
    const authority = `${host.includes(':') ? `[${host}]` : host}:${options.port ?? 443}`;
    const done: Connected = (error, socket) => connected?.(error, socket);
    const send = this.#proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    const connect = send({
      protocol: this.#proxy.protocol,
      hostname: hostOf(this.#proxy),
      port: portOf(this.#proxy),
      method: 'CONNECT',
      path: authority,
      headers: { ...proxyAuthorization(this.#proxy), ...mutable(this.#headers), host: authority },
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
      const servername = this.#tls.servername ?? nameOf(host);
      const name = servername === undefined ? {} : { servername };
      const key = serverKey(host, options.port, servername);
      done(
        null,
        this.#sessions.resume(key, (known) => tlsConnect({ ...this.#tls, socket, host, ...name, ...known })),
      );
    });
    connect.once('response', (response) => {
      response.resume();
      connect.destroy(new Error(`the proxy refused the tunnel: got status ${response.statusCode}`));
    });
    connect.once('error', (error) => done(error, connect.socket as Duplex));
    connect.end();
    return undefined;
  }
}

const CONNECT_TIMEOUT_MS = 30_000;

/** An address has no server name indication. */
const nameOf = (host: string): string | undefined => (/^[0-9.]+$|:/.test(host) ? undefined : host);
