import type { YamlNode } from '../../contract/yaml/document.ts';
import { parseDuration } from '../../contract/yaml/units.ts';
import type { Findings, Origin } from './findings.ts';
import { splitUrl } from './http-client.ts';
import { childOf, entriesOf, lineOf, mapNode, textNode, textOf } from './tree.ts';

const PLACEHOLDER_URL = 'https://receive.example.com/api/v1/receive';

/** How the path of a remote-write address tells what listens there. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/\/api\/v1\/receive\b/, 'thanos'],
  [/\/api\/v1\/push\b|\/api\/prom\/push\b/, 'mimir'],
  [/\/insert\/|victoria|:8428\b|:8480\b/, 'victoriametrics'],
];

const TENANT_HEADERS = ['thanos-tenant', 'x-scope-orgid'];
/** Set by the edge itself. */
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
const SECRET_NAME = /auth|cookie|token|secret|key|password|credential/i;

/** Keys of `remote_write` that the edge has no use for, and why. */
const NOT_AT_THE_EDGE: Readonly<Record<string, string>> = {
  sigv4: 'the edge does not sign requests; put a proxy that does before the receiver',
  azuread: 'the edge fetches no tokens; give it a header with a secret',
  google_iam: 'the edge fetches no tokens; give it a header with a secret',
  oauth2: 'the edge fetches no tokens; give it a header with a secret',
  tls_config: 'a Worker trusts public authorities and shows no client certificate; put a tunnel or a proxy before the receiver',
  proxy_url: 'a Worker uses no proxy',
  proxy_from_environment: 'a Worker uses no proxy',
  proxy_connect_header: 'a Worker uses no proxy',
  no_proxy: 'a Worker uses no proxy',
  http_headers: 'put them under `headers` of the receiver in relay.yml, secrets as { env: NAME }',
  protobuf_message: 'the edge forwards remote write 1.0',
  send_native_histograms: 'native histograms are not scraped yet',
  round_robin_dns: 'a Worker chooses no address of its receiver',
  follow_redirects: 'the edge does not follow redirects of a receiver',
  enable_http2: 'left to the Worker',
  failed_request_logging: 'refused data is kept at the edge, as dead letters with the reason',
};

const QUEUE_KEYS: Readonly<Record<string, string>> = {
  capacity: 'what waits is bounded by `shard.max_buffer_size` in relay.yml, and by the log on the device',
  max_shards: 'see `shard.shards` and `shard.lanes` in relay.yml; more than 1 needs a receiver with an out-of-order window',
  min_shards: 'see `shard.shards` and `shard.lanes` in relay.yml; more than 1 needs a receiver with an out-of-order window',
  batch_send_deadline: 'see `shard.commit_interval` in relay.yml and `edge_push.push_interval` in agent.yml',
  retry_on_http_429: '429 is always tried again',
  sample_age_limit: 'samples are never dropped for their age',
};
const MAX_SAMPLES_PER_SEND = 50_000;

export interface RelayReceiver {
  readonly receiver: YamlNode;
  /** The tenant that the source named in a header. */
  readonly tenant: string | undefined;
}

/** The entry of `receivers` for a `remote_write`. No secret is copied: it holds the names of secrets to set. */
export function relayReceiver(write: YamlNode | undefined, file: string, findings: Findings): RelayReceiver {
  const at = (key: string): Origin => ({ file, line: write === undefined ? 0 : lineOf(write, key) });
  const what = (key: string): string => `remote_write[0].${key}`;
  const name = (textOf(childOf(write, 'name')) ?? '').replace(/[^\w-]+/g, '-').slice(0, 64);
  const entries: [string, YamlNode][] = [['name', textNode(/\w/.test(name) && name.toLowerCase() !== 'null' ? name : 'central')]];
  const headers: [string, YamlNode][] = [];
  const secret = (header: string, variable: string, origin: Origin, key: string, value: string): void => {
    headers.push([header, mapNode([['env', textNode(variable)]])]);
    findings.add(
      'toDo',
      origin,
      key,
      `\`npx wrangler secret put ${variable}\` at the edge, with ${value}; the secret itself is not copied`,
    );
  };

  const configured = textOf(childOf(write, 'url')) ?? '';
  const split = splitUrl(configured);
  let url = split?.url ?? PLACEHOLDER_URL;
  if (write !== undefined && split === undefined)
    findings.add('toDo', at('url'), what('url'), "is no http or https address: put in the receiver's");
  if (split?.user !== undefined)
    secret(
      'Authorization',
      'RECEIVER_AUTHORIZATION',
      at('url'),
      what('url'),
      '`Basic ` and the base64 of user:password, which stood in the address',
    );
  if (hasSecretParameter(url)) {
    url = url.replace(/\?.*$/s, '');
    findings.add(
      'toDo',
      at('url'),
      what('url'),
      'its parameters hold a secret: `npx wrangler secret put RECEIVER_URL` at the edge, with the whole address',
    );
  }
  entries.push(['url', textNode(url)]);
  const kind = KINDS.find(([pattern]) => pattern.test(url))?.[1] ?? 'prometheus';
  entries.push(['kind', textNode(kind)]);
  findings.add(
    write === undefined || split === undefined ? 'toDo' : 'carried',
    at('url'),
    'relay.yml: receivers',
    `kind \`${kind}\` is what the address looks like (thanos, prometheus, mimir, victoriametrics); it decides what a refusal means`,
  );

  let tenant: string | undefined;
  for (const [header, value] of entriesOf(childOf(write, 'headers'))) {
    const origin = { file, line: value.line };
    const text = textOf(value) ?? '';
    if (TENANT_HEADERS.includes(header.toLowerCase())) {
      entries.push(['tenant_header', textNode(header)]);
      if (/^[\w-]{1,64}$/.test(text)) tenant = text;
      findings.add(
        'changed',
        origin,
        what(`headers.${header}`),
        tenant === undefined
          ? 'the tenant is now that of the token; a name has letters, digits, _ and - there, so choose another'
          : `the tenant \`${text}\` now comes from the token of the device`,
      );
    } else if (RESERVED_HEADERS.includes(header.toLowerCase()) || !/^[\w!#$%&'*+.^`|~-]+$/.test(header)) {
      findings.add(
        'leftOut',
        origin,
        what(`headers.${header}`),
        RESERVED_HEADERS.includes(header.toLowerCase()) ? 'is set by the edge' : 'is no name of a header',
      );
    } else if (SECRET_NAME.test(header) || !/^[\t\x20-\x7e]+$/.test(text)) {
      secret(header, `RECEIVER_${header.toUpperCase().replace(/\W/g, '_')}`, origin, what(`headers.${header}`), 'its value');
    } else headers.push([header, textNode(text, value.line, false)]);
  }

  const has = (header: string): boolean => headers.some(([name]) => name.toLowerCase() === header);
  const authorizations: Readonly<Record<string, string>> = {
    basic_auth: '`Basic ` and the base64 of user:password',
    authorization: `\`${textOf(childOf(write, 'authorization', 'type')) ?? 'Bearer'} \` and the credentials`,
    bearer_token: '`Bearer ` and the token',
    bearer_token_file: '`Bearer ` and the token',
  };
  for (const [key, value] of Object.entries(authorizations)) {
    if (childOf(write, key) !== undefined && !has('authorization'))
      secret('Authorization', 'RECEIVER_AUTHORIZATION', at(key), what(key), value);
  }
  for (const [key, note] of Object.entries(NOT_AT_THE_EDGE)) {
    if (childOf(write, key) !== undefined) findings.add('leftOut', at(key), what(key), note);
  }
  const known = ['name', 'url', 'headers', 'remote_timeout', 'queue_config', 'write_relabel_configs', 'send_exemplars', 'metadata_config'];
  for (const [key, value] of entriesOf(write)) {
    if (!known.includes(key) && !(key in authorizations) && !(key in NOT_AT_THE_EDGE))
      findings.add('leftOut', { file, line: value.line }, what(key), 'is not known');
  }

  const timeout = textOf(childOf(write, 'remote_timeout'));
  if (timeout !== undefined) {
    if (isWait(timeout)) entries.push(['remote_timeout', textNode(timeout)]);
    else findings.add('leftOut', at('remote_timeout'), what('remote_timeout'), 'expected a duration of 1ms to 24d');
  }
  entries.push(...sentBesides(write, file, findings));
  if (headers.length > 0) entries.push(['headers', mapNode(headers)]);
  const queue = queueConfig(childOf(write, 'queue_config'), file, findings);
  if (queue.length > 0) entries.push(['queue_config', mapNode(queue)]);
  return { receiver: mapNode(entries), tenant };
}

const isWait = (text: string): boolean => {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 1 && ms <= 24 * 86_400_000;
};

const boolOf = (node: YamlNode | undefined): string | undefined => {
  const text = textOf(node) ?? '';
  return /^(?:true|yes|on)$/i.test(text) ? 'true' : /^(?:false|no|off)$/i.test(text) ? 'false' : undefined;
};

/** Exemplars and metadata, which the edge sends unless it is told not to. */
function sentBesides(write: YamlNode | undefined, file: string, findings: Findings): [string, YamlNode][] {
  const entries: [string, YamlNode][] = [];
  const exemplars = boolOf(childOf(write, 'send_exemplars'));
  if (exemplars !== undefined) entries.push(['send_exemplars', textNode(exemplars)]);
  else if (write !== undefined)
    findings.add(
      'changed',
      { file, line: write.line },
      'remote_write[0].send_exemplars',
      'is true at the edge where it is not set, false in Prometheus',
    );
  for (const [key, value] of entriesOf(childOf(write, 'metadata_config'))) {
    const send = key === 'send' ? boolOf(value) : undefined;
    if (send !== undefined) entries.push(['metadata_config', mapNode([['send', textNode(send)]])]);
    else
      findings.add(
        'leftOut',
        { file, line: value.line },
        `remote_write[0].metadata_config.${key}`,
        'metadata go along when they change and every 12 h',
      );
  }
  return entries;
}

function hasSecretParameter(url: string): boolean {
  return [...new URL(url).searchParams.keys()].some((name) => SECRET_NAME.test(name));
}

/** The words that mean the same at the edge; of the others is told what there is instead. */
function queueConfig(queue: YamlNode | undefined, file: string, findings: Findings): [string, YamlNode][] {
  const entries: [string, YamlNode][] = [];
  for (const [key, value] of entriesOf(queue)) {
    const origin = { file, line: value.line };
    const what = `remote_write[0].queue_config.${key}`;
    const text = textOf(value) ?? '';
    const instead = QUEUE_KEYS[key];
    if (instead !== undefined) findings.add('leftOut', origin, what, instead);
    else if (key === 'max_samples_per_send' && /^[1-9]\d{0,9}$/.test(text)) {
      if (Number(text) > MAX_SAMPLES_PER_SEND) findings.add('changed', origin, what, `is ${MAX_SAMPLES_PER_SEND}, the greatest value`);
      entries.push([key, textNode(String(Math.min(Number(text), MAX_SAMPLES_PER_SEND)))]);
    } else if ((key === 'min_backoff' || key === 'max_backoff') && isWait(text)) entries.push([key, textNode(text)]);
    else findings.add('leftOut', origin, what, 'is not known, or its value is none');
  }
  const wait = (key: string, fallback: number): number => parseDuration(textOf(new Map(entries).get(key)) ?? '') ?? fallback;
  // The defaults of the edge.
  if (wait('max_backoff', 30_000) >= wait('min_backoff', 30)) return entries;
  findings.add(
    'leftOut',
    { file, line: queue?.line ?? 0 },
    'remote_write[0].queue_config',
    'min_backoff is greater than max_backoff: the defaults stay',
  );
  return entries.filter(([key]) => key === 'max_samples_per_send');
}
