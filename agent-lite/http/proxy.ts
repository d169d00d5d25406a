import { BlockList, isIP } from 'node:net';
import type { HttpClientConfig } from '../config/types.ts';

/** Variables of the environment, of which the proxy ones are read. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which proxy leads to a URL; `undefined`: none. */
export type ProxyFor = (url: URL) => URL | undefined;

/**
 * As Prometheus does: `proxy_url` alone takes every request; with `no_proxy`, and from the environment, loopback addresses
 * and what `no_proxy` names go directly. Throws {@link TypeError} where the proxy's URL cannot be used.
 */
export function proxySelector(config: Pick<HttpClientConfig, 'proxyUrl' | 'proxyFromEnvironment' | 'noProxy'>, env: Environment): ProxyFor {
  if (config.proxyUrl !== undefined) {
    const proxy = proxyUrl(config.proxyUrl, 'proxy_url');
    if (config.noProxy === '') return () => proxy;
    const direct = bypass(config.noProxy);
    return (url) => (direct(url) ? undefined : proxy);
  }
  if (!config.proxyFromEnvironment) return () => undefined;
  const variable = (name: string): URL | undefined => {
    const value = env[name] || env[name.toLowerCase()] || '';
    return value === '' ? undefined : proxyUrl(value, `environment variable ${name}`);
  };
  // HTTP_PROXY in capitals can be set by a request header where the agent runs under CGI; it does not, so both count.
  const forHttp = variable('HTTP_PROXY');
  const forHttps = variable('HTTPS_PROXY');
  const direct = bypass(env['NO_PROXY'] || env['no_proxy'] || '');
  return (url) => (direct(url) ? undefined : url.protocol === 'https:' ? forHttps : forHttp);
}

function proxyUrl(text: string, place: string): URL {
  const full = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw new TypeError(`${place}: expected http://host:port or https://host:port`);
  }
  return url;
}

/** The rules of Go's golang.org/x/net/http/httpproxy: `*`, hosts, `.domain`, addresses and networks, each with `:port` or not. */
function bypass(noProxy: string): (url: URL) => boolean {
  const entries = noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '');
  const tests = entries.map(bypassTest);
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
    const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
    if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return true;
    return tests.some((test) => test(host, port));
  };
}

type BypassTest = (host: string, port: string) => boolean;

function bypassTest(entry: string): BypassTest {
  if (entry === '*') return () => true;
  const network = /^(.+)\/([0-9]+)$/.exec(entry);
  if (network !== null) {
    const address = network[1] ?? '';
    const bits = Number(network[2]);
    const version = isIP(address);
    if (version === 0 || bits > (version === 4 ? 32 : 128)) return () => false;
    const list = new BlockList();
    list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
    return (host) => isIP(host) === version && list.check(host, version === 4 ? 'ipv4' : 'ipv6');
  }
  const split = isIP(entry) === 6 ? null : /^\[?([^\]]*?)\]?:([0-9]+)$/.exec(entry);
  const name = split?.[1] ?? entry.replace(/^\[|\]$/g, '');
  const onlyPort = split?.[2];
  const portFits = (port: string): boolean => onlyPort === undefined || onlyPort === port;
  if (isIP(name) !== 0) return (host, port) => host === name && portFits(port);
  const domain = name.replace(/^\*/, '');
  if (domain.startsWith('.')) return (host, port) => host.endsWith(domain) && portFits(port);
  return (host, port) => (host === domain || host.endsWith(`.${domain}`)) && portFits(port);
}
