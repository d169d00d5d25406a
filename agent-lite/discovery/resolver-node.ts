import { promises as dns } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { type DnsRecord, type Question, type Resolver, ResolverError, type SearchPath } from './resolver.ts';

export interface NodeResolverOptions {
  /** `address:port`; those of the system where not given. */
  readonly servers?: readonly string[];
  /** First wait for an answer, ms; each of the two further tries waits longer. */
  readonly timeoutMs?: number;
  readonly resolvConf?: string;
}

/** A resolver over c-ares. It reads the system's settings anew for each question: they change with the network a device is in. */
export function createNodeResolver({ servers, timeoutMs = 2000, resolvConf = '/etc/resolv.conf' }: NodeResolverOptions = {}): Resolver {
  return {
    async resolve(question, signal) {
      const resolver = new dns.Resolver({ timeout: timeoutMs, tries: 3 });
      if (servers !== undefined) resolver.setServers(servers);
      const cancel = (): void => resolver.cancel();
      signal.addEventListener('abort', cancel);
      try {
        return await ask(resolver, question);
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
        // The name exists, but has no records of this type.
        if (code === 'ENODATA') return [];
        throw new ResolverError(code === 'ENOTFOUND', `${question.type} ${question.name}: ${code || String(cause)}`, { cause });
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    },
    async searchPath() {
      try {
        return parseResolvConf(await readFile(resolvConf, 'utf8'));
      } catch {
        // No such file: nothing to complete names with.
        return parseResolvConf('');
      }
    },
  };
}

async function ask(resolver: dns.Resolver, { name, type }: Question): Promise<readonly DnsRecord[]> {
  const complete = name.replace(/\.$/, '');
  switch (type) {
    case 'SRV':
      return (await resolver.resolveSrv(complete)).map((record) => ({ target: record.name, port: record.port }));
    case 'A':
      return (await resolver.resolve4(complete)).map((target) => ({ target }));
    case 'AAAA':
      return (await resolver.resolve6(complete)).map((target) => ({ target }));
    case 'MX':
      return (await resolver.resolveMx(complete)).map((record) => ({ target: record.exchange }));
    case 'NS':
      return (await resolver.resolveNs(complete)).map((target) => ({ target }));
  }
}

/** resolv.conf(5): the last of `domain` and `search` counts, `ndots` is 1 where not given and 15 at most. */
export function parseResolvConf(text: string): SearchPath {
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (word === 'domain') search = rest.slice(0, 1);
    if (word === 'search') search = rest;
    if (word !== 'options') continue;
    for (const option of rest) {
      const given = /^ndots:(\d+)$/.exec(option)?.[1];
      if (given !== undefined) ndots = Math.min(15, Number(given));
    }
  }
  return { search: search.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''), ndots };
}
