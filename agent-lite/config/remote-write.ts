import { md5 } from '../../contract/md5.ts';
import {
  bool,
  type Decoded,
  type Decoder,
  duration,
  expected,
  FAILED,
  type Failed,
  fail,
  int,
  list,
  mapOf,
  nonEmptyString,
  object,
  optional,
  type Place,
  placeOf,
  positiveDuration,
  refine,
  required,
  secretly,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { relabelConfigs } from '../../contract/yaml/relabel-config.ts';
import { formatDuration } from '../../contract/yaml/units.ts';
import { defaultRemoteWrite } from './defaults.ts';
import { buildHttp, httpFields } from './http.ts';
import { checkHeaderName } from './proxy.ts';
import { headerText } from './secrets.ts';
import type { HeaderConfig, MetadataConfig, QueueConfig, RemoteWriteConfig } from './types.ts';
import { refusedRemoteWriteKeys } from './unsupported.ts';

/** More connections than this no receiver wants from one device. */
const MAX_SHARDS = 1000;

const { queue, metadata } = defaultRemoteWrite;

const queueConfig: Decoder<QueueConfig> = refine(
  object({
    capacity: withDefault(int(1), queue.capacity),
    max_shards: optional(int(1, MAX_SHARDS)),
    min_shards: withDefault(int(1, MAX_SHARDS), queue.minShards),
    max_samples_per_send: withDefault(int(1, 50_000), queue.maxSamplesPerSend),
    batch_send_deadline: withDefault(positiveDuration, queue.batchSendDeadlineMs),
    min_backoff: withDefault(positiveDuration, queue.minBackoffMs),
    max_backoff: optional(positiveDuration),
    retry_on_http_429: withDefault(bool, queue.retryOnHttp429),
    sample_age_limit: withDefault(duration(), queue.sampleAgeLimitMs),
  }),
  (raw, place) => {
    // A default gives way to the least that is set.
    const maxShards = raw.max_shards ?? Math.max(queue.maxShards, raw.min_shards);
    const maxBackoffMs = raw.max_backoff ?? Math.max(queue.maxBackoffMs, raw.min_backoff);
    if (maxShards < raw.min_shards)
      return expected(placeOf(place, 'max_shards'), `at least the min_shards, ${raw.min_shards}`, String(maxShards));
    if (maxBackoffMs < raw.min_backoff) {
      const least = `at least the min_backoff, ${formatDuration(raw.min_backoff)}`;
      return expected(placeOf(place, 'max_backoff'), least, formatDuration(maxBackoffMs));
    }
    return {
      capacity: raw.capacity,
      minShards: raw.min_shards,
      maxShards,
      maxSamplesPerSend: raw.max_samples_per_send,
      batchSendDeadlineMs: raw.batch_send_deadline,
      minBackoffMs: raw.min_backoff,
      maxBackoffMs,
      retryOnHttp429: raw.retry_on_http_429,
      sampleAgeLimitMs: raw.sample_age_limit,
    };
  },
);

const metadataConfig: Decoder<MetadataConfig> = refine(
  object({
    send: withDefault(bool, metadata.send),
    send_interval: withDefault(positiveDuration, metadata.sendIntervalMs),
    max_samples_per_send: withDefault(int(1, 50_000), metadata.maxSamplesPerSend),
  }),
  (raw) => ({ send: raw.send, sendIntervalMs: raw.send_interval, maxSamplesPerSend: raw.max_samples_per_send }),
);

/** Prometheus' list (config.go, `reservedHeaders`), and what this agent sets besides. Lower case. */
const RESERVED_HEADERS = [
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'retry-attempt',
  'transfer-encoding',
  'user-agent',
  'www-authenticate',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-prometheus-remote-read-version',
  'x-prometheus-remote-write-version',
];

/** Name and value; a value may be a secret. */
const headers: Decoder<readonly HeaderConfig[]> = refine(mapOf(headerText), (entries, place) => {
  for (const [name] of entries) {
    const failed = checkHeaderName(name, place) ?? checkAllowed(name, place);
    if (failed !== undefined) return failed;
  }
  return entries.map(([name, value]) => ({ name, values: [{ kind: 'inline', value }] }));
});

function checkAllowed(name: string, place: Place): Failed | undefined {
  if (name.toLowerCase() === 'authorization')
    return fail(placeOf(place, name), 'this header is set by authorization or basic_auth; use one of them');
  if (!RESERVED_HEADERS.includes(name.toLowerCase())) return undefined;
  return fail(placeOf(place, name), 'this header is set by the agent; remove it here');
}

/** Not repeated in messages: it may carry a key in its query. */
const url: Decoder<string> = refine(nonEmptyString, (text, place) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    return expected(place, 'an address such as https://thanos.example.com/api/v1/receive', 'something else');
  if (parsed.username !== '' || parsed.password !== '') return fail(place, 'expected an address without user and password; use basic_auth');
  return text;
});

const RW1 = 'prometheus.WriteRequest';
const protobufMessage: Decoder<string> = refine(string, (name, place) => {
  if (name === 'io.prometheus.write.v2.Request')
    return fail(place, `not supported yet: remote write 1.0 is spoken; remove this key, or set it to ${RW1}`);
  return name === RW1 ? name : expected(place, RW1);
});

/** A key that may say no, but not yes. */
const onlyFalse = (why: string): Decoder<boolean> => refine(bool, (value, place) => (value ? fail(place, why) : value));

const fields = (baseDir: string) => ({
  ...httpFields(baseDir, defaultRemoteWrite.followRedirects),
  url: required(secretly(url)),
  name: optional(nonEmptyString),
  remote_timeout: withDefault(positiveDuration, defaultRemoteWrite.remoteTimeoutMs),
  headers: withDefault<readonly HeaderConfig[]>(secretly(headers), []),
  write_relabel_configs: withDefault(relabelConfigs, []),
  protobuf_message: withDefault(protobufMessage, RW1),
  send_exemplars: withDefault(bool, defaultRemoteWrite.sendExemplars),
  send_native_histograms: withDefault(onlyFalse('not supported yet: native histograms are not scraped; remove this key'), false),
  round_robin_dns: withDefault(onlyFalse('not supported: connections go where the system resolves the name to; remove this key'), false),
  queue_config: withDefault(queueConfig, queue),
  metadata_config: withDefault(metadataConfig, metadata),
});

const remoteWriteConfig = (baseDir: string): Decoder<RemoteWriteConfig> =>
  refine(object(fields(baseDir), refusedRemoteWriteKeys), (raw, place) => {
    const http = buildHttp(raw, place);
    const all = allHeaders(raw, place);
    if (http === FAILED || all === FAILED) return FAILED;
    return {
      name: raw.name ?? nameOf(raw.url),
      url: raw.url,
      remoteTimeoutMs: raw.remote_timeout,
      writeRelabelConfigs: raw.write_relabel_configs,
      sendExemplars: raw.send_exemplars,
      queueConfig: raw.queue_config,
      metadataConfig: raw.metadata_config,
      // All of them as secrets of the client, which keeps them from other origins.
      http: { ...http, headers: all },
    };
  });

function allHeaders(raw: Decoded<ReturnType<typeof fields>>, place: Place): readonly HeaderConfig[] | Failed {
  for (const { name } of raw.http_headers) {
    if (RESERVED_HEADERS.includes(name.toLowerCase()))
      return fail(placeOf(placeOf(place, 'http_headers'), name), 'this header is set by the agent; remove it here');
    if (raw.headers.some((other) => other.name.toLowerCase() === name.toLowerCase()))
      return fail(placeOf(placeOf(place, 'http_headers'), name), 'expected in one of headers and http_headers, got both');
  }
  return [...raw.headers, ...raw.http_headers];
}

/** Stays the same as long as the address does: it names the cursor in the log. */
function nameOf(address: string): string {
  const digest = md5(new TextEncoder().encode(address));
  return Array.from(digest.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `remote_write`. */
export const remoteWriteConfigs = (baseDir: string): Decoder<readonly RemoteWriteConfig[]> =>
  refine(list(remoteWriteConfig(baseDir)), (configs, place) => {
    const seen = new Set<string>();
    for (const [i, { name }] of configs.entries()) {
      if (seen.has(name))
        return fail(itemOf(place, i), `expected a name that no other receiver has, got ${JSON.stringify(name)} again; give each a name`);
      seen.add(name);
    }
    return configs;
  });

function itemOf(place: Place, i: number): Place {
  const node = place.node.kind === 'list' ? place.node.items[i] : undefined;
  return node === undefined ? place : { ...place, node, line: node.line, path: `${place.path}[${i}]` };
}
