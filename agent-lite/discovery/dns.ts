import { type Label, sortLabels } from '../../contract/labels.ts';
import type { DnsSdConfig, TargetGroup } from '../config/types.ts';
import type { Clock, Logger, Metrics } from '../model.ts';
import type { Discovery } from './discovery.ts';
import { pollingDiscovery } from './polling.ts';
import { type DnsRecord, type Resolver, ResolverError, type SearchPath } from './resolver.ts';

export interface DnsDiscoveryOptions {
  readonly resolver: Resolver;
  readonly clock: Pick<Clock, 'sleep' | 'boot'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * `dns_sd_configs`; discovery/dns/dns.go. A name that the servers do not know, or that has no records of the type, has no
 * targets; one that they cannot answer keeps those it had.
 */
export function dnsDiscovery(config: DnsSdConfig, { resolver, clock, logger, metrics }: DnsDiscoveryOptions): Discovery {
  const known = new Map<string, readonly TargetGroup[]>();
  const failed = (error: unknown): void => {
    metrics.add('agent_lite_sd_refresh_failures_total', 1, { mechanism: 'dns' });
    const err = error instanceof Error ? error.message : String(error);
    logger.log('error', 'Targets not refreshed, the earlier ones stay', { mechanism: 'dns', err });
  };

  async function refreshName(name: string, path: SearchPath, signal: AbortSignal): Promise<void> {
    try {
      const records = await lookUp(name, path, signal);
      known.set(
        name,
        records.map((record) => targetOf(config, name, record)),
      );
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
  }

  /** Prometheus' rule: the first completed name that exists answers; "no such name" only if that is said of all of them. */
  async function lookUp(name: string, path: SearchPath, signal: AbortSignal): Promise<readonly DnsRecord[]> {
    let unanswered: unknown;
    for (const complete of completeNames(name, path)) {
      try {
        return await resolver.resolve({ name: complete, type: config.type }, signal);
      } catch (error) {
        if (!(error instanceof ResolverError) || !error.noSuchName) unanswered ??= error;
      }
    }
    if (unanswered !== undefined) throw unanswered;
    return [];
  }

  return pollingDiscovery({
    refreshIntervalMs: config.refreshIntervalMs,
    clock,
    async refresh(signal) {
      const path = await resolver.searchPath();
      await Promise.all(config.names.map((name) => refreshName(name, path, signal)));
      return config.names.flatMap((name) => known.get(name) ?? []);
    },
    failed,
  });
}

/** In the order in which they are tried; as a name server's client library completes names. */
export function completeNames(name: string, { search, ndots }: SearchPath): readonly string[] {
  if (name.endsWith('.')) return [name];
  const dots = name.split('.').length - 1;
  const completed = search.map((domain) => `${name}.${domain}`);
  return dots >= ndots ? [name, ...completed] : [...completed, name];
}

/** A group of its own, since its labels are its own. Names in labels are complete: they end in a dot. */
function targetOf({ type, port: configured }: DnsSdConfig, name: string, { target, port = configured }: DnsRecord): TargetGroup {
  const labels: Label[] = [['__meta_dns_name', name]];
  if (type === 'SRV') labels.push(['__meta_dns_srv_record_target', `${target}.`], ['__meta_dns_srv_record_port', String(port)]);
  if (type === 'MX') labels.push(['__meta_dns_mx_record_target', `${target}.`]);
  if (type === 'NS') labels.push(['__meta_dns_ns_record_target', `${target}.`]);
  return { targets: [`${target.includes(':') ? `[${target}]` : target}:${port}`], labels: sortLabels(labels) };
}
