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
  mapOf,
  nonEmptyString,
  object,
  oneOf,
  optional,
  type Place,
  placeOf,
  refine,
  required,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { formatDuration } from '../../contract/yaml/units.ts';
import { authorization, basicAuth, secretName } from './credentials.ts';
import { defaultReceiver } from './defaults.ts';
import type { ReceiverAuthorization, ReceiverConfig, ReceiverKind, SecretName } from './types.ts';

const KINDS: readonly ReceiverKind[] = ['thanos', 'prometheus', 'mimir', 'victoriametrics'];

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** Set by the relay on every request. Lower case. */
const RESERVED_HEADERS = [
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
  'user-agent',
  'x-prometheus-remote-write-version',
];
/** Hold secrets by their nature, and this file holds none: it lies in the repository and in the Worker's bundle. Lower case. */
const SECRET_HEADERS = ['authorization', 'cookie', 'cf-access-client-secret', 'proxy-authorization', 'x-api-key'];

const DEFAULT_QUEUE = defaultReceiver.queue;

const queueConfig: Decoder<ReceiverConfig['queue']> = refine(
  object(
    {
      max_samples_per_send: withDefault(int(1, 50_000), DEFAULT_QUEUE.maxSamplesPerSend),
      min_backoff: withDefault(duration(1), DEFAULT_QUEUE.minBackoffMs),
      max_backoff: withDefault(duration(1), DEFAULT_QUEUE.maxBackoffMs),
      // Longer, and a shard would wake for nothing while devices wait for the receiver's samples.
      batch_send_deadline: withDefault(duration(0, 60_000), DEFAULT_QUEUE.batchSendDeadlineMs),
      sample_age_limit: withDefault(duration(0, 10 * 365 * 86_400_000), DEFAULT_QUEUE.sampleAgeLimitMs),
    },
    {
      capacity: 'not supported: what waits is bounded by shard.max_buffer_size',
      max_shards: 'not supported: set shard.shards and shard.lanes',
      min_shards: 'not supported: set shard.shards and shard.lanes',
      retry_on_http_429: 'not supported: 429 is always tried again; remove this key',
    },
  ),
  (raw, place) => {
    if (raw.max_backoff < raw.min_backoff) {
      return expected(
        placeOf(place, 'max_backoff'),
        `at least the min_backoff, ${formatDuration(raw.min_backoff)}`,
        formatDuration(raw.max_backoff),
      );
    }
    return {
      maxSamplesPerSend: raw.max_samples_per_send,
      batchSendDeadlineMs: raw.batch_send_deadline,
      sampleAgeLimitMs: raw.sample_age_limit,
      minBackoffMs: raw.min_backoff,
      maxBackoffMs: raw.max_backoff,
    };
  },
);

/** Prometheus' `metadata_config`, as far as it means something here: a device sends metadata when they change. */
const metadataConfig = object(
  { send: withDefault(bool, defaultReceiver.sendMetadata) },
  {
    send_interval: 'not supported: devices send metadata when they change and every 12h',
    max_samples_per_send: 'not supported: metadata go along with samples',
  },
);

/** The text of a header, or `{ env: NAME }` for one that is kept as a secret of the Worker. */
const headerValue: Decoder<string | SecretName> = (place) => {
  if (place.node.kind === 'map') return secretName(place);
  const text = nonEmptyString(place);
  if (text === FAILED) return FAILED;
  return /^[\t\x20-\x7e\x80-\xff]+$/.test(text) ? text : expected(place, 'text without control characters', 'some');
};
const headers: Decoder<ReceiverConfig['headers']> = refine(mapOf(headerValue), (entries, place) => {
  for (const [name, value] of entries) {
    const at = placeOf(place, name);
    if (!HEADER_NAME.test(name)) return fail(at, 'expected the name of an HTTP header');
    if (RESERVED_HEADERS.includes(name.toLowerCase())) return fail(at, 'this header is set by the relay; remove it here');
    if (typeof value === 'string' && SECRET_HEADERS.includes(name.toLowerCase())) {
      return fail(at, 'expected { env: NAME }, since secrets do not stand in this file (wrangler secret put NAME)');
    }
  }
  return entries.map(([name, value]) => ({ name, value }));
});

/** Never repeated in messages: it may carry a password by mistake. */
const url: Decoder<string> = refine(nonEmptyString, (text, place) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    return expected(place, 'an address such as https://thanos.example.com/api/v1/receive', 'something else');
  }
  if (parsed.username !== '' || parsed.password !== '') {
    return fail(place, 'expected an address without user and password; use basic_auth with { env: NAME }');
  }
  return text;
});

const binding: Decoder<string> = refine(nonEmptyString, (name, place) =>
  /^[A-Za-z_]\w*$/.test(name) ? name : expected(place, 'the name of a binding in wrangler.toml'),
);

const fields = {
  name: required(
    refine(nonEmptyString, (name, place) => (/^[\w-]{1,64}$/.test(name) ? name : expected(place, 'a name of letters, digits, _ and -'))),
  ),
  url: required(url),
  kind: required(oneOf(KINDS)),
  tenant_header: withDefault(string, defaultReceiver.tenantHeader),
  out_of_order_time_window: withDefault(duration(0, 10 * 365 * 86_400_000), defaultReceiver.outOfOrderTimeWindowMs),
  remote_timeout: withDefault(duration(1), defaultReceiver.remoteTimeoutMs),
  send_exemplars: withDefault(bool, defaultReceiver.sendExemplars),
  metadata_config: withDefault<{ readonly send: boolean }>(metadataConfig, { send: defaultReceiver.sendMetadata }),
  headers: withDefault(headers, defaultReceiver.headers),
  basic_auth: optional(basicAuth),
  authorization: optional(authorization),
  binding: withDefault(binding, defaultReceiver.binding),
  on_full: withDefault(oneOf(['block', 'drop_oldest']), defaultReceiver.onFull),
  queue_config: withDefault(queueConfig, defaultReceiver.queue),
};

/** An entry of `receivers`. */
export const receiverConfig: Decoder<ReceiverConfig> = refine(
  object(fields, {
    write_relabel_configs: 'not supported here: set it for a tenant',
    bearer_token: 'not supported: use authorization with credentials: { env: NAME }',
    tls_config: 'not supported: bind a client certificate with mtls_certificates and name it in binding',
  }),
  (raw, place) => {
    const header = checkTenantHeader(raw, place);
    const credentials = checkAuthorization(raw, place);
    if (header === FAILED || credentials === FAILED) return FAILED;
    return {
      name: raw.name,
      url: raw.url,
      kind: raw.kind,
      tenantHeader: header,
      outOfOrderTimeWindowMs: raw.out_of_order_time_window,
      remoteTimeoutMs: raw.remote_timeout,
      sendExemplars: raw.send_exemplars,
      sendMetadata: raw.metadata_config.send,
      headers: raw.headers,
      authorization: credentials,
      binding: raw.binding,
      onFull: raw.on_full,
      queue: raw.queue_config,
    };
  },
);

/** Two of them would contradict each other, and the receiver would choose. */
function checkAuthorization(raw: Decoded<typeof fields>, place: Place): ReceiverAuthorization | undefined | Failed {
  const inHeaders = raw.headers.some(({ name }) => name.toLowerCase() === 'authorization');
  const given = [raw.basic_auth && 'basic_auth', raw.authorization && 'authorization', inHeaders && 'headers.Authorization'].filter(
    Boolean,
  );
  if (given.length > 1)
    return fail(place, `expected at most one of basic_auth, authorization and headers.Authorization, got ${given.join(' and ')}`);
  const found = raw.basic_auth ?? raw.authorization;
  if (found !== undefined && raw.tenant_header.toLowerCase() === 'authorization')
    return expected(placeOf(place, 'tenant_header'), 'another header than Authorization, which carries the credentials');
  return found;
}

function checkTenantHeader(raw: Decoded<typeof fields>, place: Place): string | Failed {
  const { tenant_header: name } = raw;
  if (name === '') return name;
  const at = placeOf(place, 'tenant_header');
  if (!HEADER_NAME.test(name) || RESERVED_HEADERS.includes(name.toLowerCase()))
    return expected(at, 'the name of an HTTP header such as THANOS-TENANT');
  // Set twice, the receiver would choose which tenant it believes.
  const twice = raw.headers.some((header) => header.name.toLowerCase() === name.toLowerCase());
  return twice ? fail(placeOf(placeOf(place, 'headers'), name), 'this header tells the tenant (tenant_header); remove it here') : name;
}
