import { sortLabels } from '../../contract/labels.ts';
import { formatConfigErrors } from '../../contract/yaml/errors.ts';
import { parseJsonTargetGroups } from '../../contract/yaml/target-groups.ts';
import type { HttpClientConfig, HttpSdConfig, TargetGroup } from '../config/types.ts';
import type { Clock, HttpClient, Logger, Metrics } from '../model.ts';
import type { Discovery } from './discovery.ts';
import { pollingDiscovery } from './polling.ts';
import { decodeUtf8 } from './utf8.ts';

export interface HttpDiscoveryOptions {
  /** A new client for these settings; closed when the discovery ends. */
  readonly httpClientFor: (http: HttpClientConfig) => HttpClient;
  readonly clock: Pick<Clock, 'sleep' | 'boot'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Of the agent, for `User-Agent`. */
  readonly version: string;
}

/** The largest answer read, bytes after decompression: what a file for `file_sd_configs` may have. */
export const MAX_HTTP_SD_BYTES = 16 * 1024 * 1024;

const JSON_TYPE = /^application\/json(?:;\s*charset=(?:"utf-8"|utf-8))?$/i;

/**
 * `http_sd_configs`; discovery/http/http.go and "Writing HTTP service discovery". The server answers each request with the
 * whole list, an empty one as `[]`. Anything but 200 with `application/json` and a valid list keeps the targets of the last
 * good answer; they are not kept over a restart.
 */
export function httpDiscovery(config: HttpSdConfig, { httpClientFor, clock, logger, metrics, version }: HttpDiscoveryOptions): Discovery {
  const client = httpClientFor(config.http);
  // What follows the path may be a secret of the server's.
  const shown = config.url.replace(/[?#].*$/s, '');

  async function refresh(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    const response = await client.request({
      method: 'GET',
      url: config.url,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'gzip',
        'user-agent': `agent-lite/${version}`,
        'x-prometheus-refresh-interval-seconds': String(config.refreshIntervalMs / 1000),
      },
      timeoutMs: config.refreshIntervalMs,
      maxBytes: MAX_HTTP_SD_BYTES,
      signal,
    });
    if (response.status !== 200) throw new Error(`expected HTTP status 200, got ${response.status}`);
    const type = (response.headers['content-type'] ?? '').trim();
    if (!JSON_TYPE.test(type)) throw new Error(`content-type: expected application/json, got ${JSON.stringify(type.slice(0, 80))}`);
    const groups = parseJsonTargetGroups(decodeUtf8(response.body), shown);
    if (!groups.ok) throw new Error(formatConfigErrors(groups.error));
    return groups.value.map(({ targets, labels }) => ({
      targets,
      labels: sortLabels([...labels.filter(([name]) => name !== '__meta_url'), ['__meta_url', config.url]]),
    }));
  }

  const polling = pollingDiscovery({
    refreshIntervalMs: config.refreshIntervalMs,
    clock,
    refresh,
    failed(error) {
      metrics.add('agent_lite_sd_refresh_failures_total', 1, { mechanism: 'http' });
      const err = error instanceof Error ? error.message : String(error);
      logger.log('error', 'Targets not refreshed, the earlier ones stay', { mechanism: 'http', url: shown, err });
    },
  });
  return {
    start(update, signal) {
      signal.addEventListener('abort', () => client.close(), { once: true });
      return polling.start(update, signal);
    },
  };
}
