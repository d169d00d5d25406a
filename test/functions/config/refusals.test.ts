import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatConfigErrors, parseRelayConfig } from '../../../functions/config/parse.ts';

const folder = new URL('../../fixtures/config/relay/', import.meta.url);

/** By fixture: what is said about it, in the order of lines, without the file's name. */
const refusals: Readonly<Record<string, readonly string[]>> = {
  'alias-bomb': ['11: expected at most 500000 values with aliases written out'],
  'alias-unknown': ['5: an alias has no anchor before it; a text that starts with * has to stand in quotes'],
  backoff: ['5: receivers[0].queue_config.max_backoff: expected at least the min_backoff, 10s, got 5s'],
  'broken-yaml': ['2: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  empty: ['1: expected a map, got nothing'],
  'headers-name': ['5: receivers[0].headers["X Y"]: expected the name of an HTTP header'],
  'headers-reserved': ['5: receivers[0].headers.Content-Encoding: this header is set by the relay; remove it here'],
  'headers-secret': [
    '5: receivers[0].headers.Authorization: expected { env: NAME }, since secrets do not stand in this file (wrangler secret put NAME)',
  ],
  'headers-value': [
    '5: receivers[0].headers.X-A: expected text without control characters, got some',
    '5: receivers[0].headers.X-B.env: expected the name of a secret, got "1"',
    '5: receivers[0].headers.X-C.name: unknown key (known: env)',
    '5: receivers[0].headers.X-C.env: is required, but missing',
    '5: receivers[0].headers.X-D: expected a string, got a list',
  ],
  'identity-external': [
    '8: tenants.acme.external_labels.device_id: this is the identity_label, which is set from the token; remove it here',
  ],
  'identity-label-name': ['5: identity_label: expected a label other than __name__, which is the metric'],
  'identity-label': ['5: identity_label: expected a label name, got ""'],
  'identity-reserved': ['7: tenants.acme.reserved_labels: expected labels other than the identity_label, got "device_id"'],
  'key-is-a-list': ['7: expected a text as key, got a list'],
  'lanes-without-window': [
    '7: shard.shards: would lose data: receiver central takes no late samples (out_of_order_time_window is 0s), so expected 1, got 2',
    '8: shard.lanes: would lose data: receiver central takes no late samples (out_of_order_time_window is 0s), so expected 1, got 4',
  ],
  'limits-raised': [
    '6: limits.push_size_limit: expected a size of at most 4MiB, got "5MB"',
    '7: limits.push_inflated_size_limit: expected a size of at most 32MiB, got "33MB"',
    '8: limits.table_size_limit: expected a size of at most 8MiB, got "9MB"',
    '9: limits.table_row_limit: expected a whole number of 1 to 100000, got "100001"',
    '10: limits.label_limit: expected a whole number of 1 to 64, got "65"',
    '11: limits.label_name_length_limit: expected a whole number of 1 to 1024, got "1025"',
    '12: limits.label_value_length_limit: expected a whole number of 1 to 16384, got "16385"',
    '13: limits.target_limit: expected a whole number of 1 to 10000, got "10001"',
    '14: limits.scrape_limit: expected a whole number of 1 to 1000, got "1001"',
    '15: limits.cell_limit: expected a whole number of 1 to 1000000, got "1000001"',
    '16: limits.too_far_in_future_time_window: expected a duration of at most 1d, got "2d"',
  ],
  'merge-key': ['6: merge key <<: expected a map or a list of maps, got a text'],
  'no-receiver': ['1: receivers: expected at least one receiver, got none'],
  'receivers-same-name': ['5: receivers[1].name: expected a name of its own, got that of receivers[0], "central"'],
  'relabel-rules': [
    '8: tenants["*"].write_relabel_configs[0].regex: expected a regular expression in RE2 syntax, got "a(": missing closing ): `a(`',
    '11: tenants["*"].write_relabel_configs[1].action: expected one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase, got "explode"',
    '12: tenants["*"].write_relabel_configs[2].modulus: action hashmod needs an integer of 1 or more here, got 0',
    '15: tenants["*"].write_relabel_configs[3].target_label: action replace needs a label name here, got ""',
    '18: tenants["*"].write_relabel_configs[4].target_label: action lowercase needs a label name here, got ""',
    '19: tenants["*"].write_relabel_configs[5].source_label: unknown key (did you mean source_labels?)',
  ],
  'repeated-key': ['6: key is given twice in one map'],
  tag: ['5: not valid YAML: Unresolved tag: !secret'],
  'too-deep': ['6: expected at most 64 lists and maps inside each other'],
  'two-documents': ['7: expected one YAML document, got another after ---'],
  'unsupported-queue-config': [
    '6: receivers[0].queue_config.capacity: not supported: what waits is bounded by shard.max_buffer_size',
    '7: receivers[0].queue_config.max_shards: not supported: set shard.shards and shard.lanes',
    '8: receivers[0].queue_config.min_shards: not supported: set shard.shards and shard.lanes',
    '9: receivers[0].queue_config.retry_on_http_429: not supported: 429 is always tried again; remove this key',
  ],
  'unsupported-receiver': [
    '5: receivers[0].write_relabel_configs: not supported here: set it for a tenant',
    '6: receivers[0].bearer_token: not supported: use authorization with credentials: { env: NAME }',
    '7: receivers[0].tls_config: not supported: bind a client certificate with mtls_certificates and name it in binding',
  ],
  'receiver-on-full': [
    '5: receivers[0].on_full: expected one of block, drop_oldest, got "drop_newest"',
    '6: receivers[0].binding: expected the name of a binding in wrangler.toml, got "my-network"',
  ],
  'queue-times': [
    '6: receivers[0].queue_config.batch_send_deadline: expected a duration of at most 1m, got "2m"',
    '7: receivers[0].queue_config.sample_age_limit: expected a duration such as 30s or 1h30m, got "-1h"',
  ],
  'basic-auth': [
    '6: receivers[0].basic_auth.username: expected a name without colons and control characters, got "a:b"',
    '7: receivers[0].basic_auth.password: expected { env: NAME }, since secrets do not stand in this file (wrangler secret put NAME)',
    '8: receivers[0].basic_auth.password_file: not supported: a Worker has no files; use { env: NAME }',
  ],
  authorization: [
    '6: receivers[0].authorization.type: expected another type than Basic; use basic_auth',
    '7: receivers[0].authorization.credentials: expected { env: NAME }, since secrets do not stand in this file (wrangler secret put NAME)',
    '8: receivers[0].authorization.credentials_file: not supported: a Worker has no files; use { env: NAME }',
  ],
  'authorization-type': [
    '6: receivers[0].authorization.type: expected a word such as Bearer, got "a b"',
    '7: receivers[0].authorization.credentials.env: is required, but missing',
  ],
  'authorization-twice': [
    '2: receivers[0]: expected at most one of basic_auth, authorization and headers.Authorization, got basic_auth and authorization and headers.Authorization',
  ],
  'authorization-tenant-header': [
    '6: receivers[0].tenant_header: expected another header than Authorization, which carries the credentials, got "Authorization"',
  ],
  'routes-values': [
    '9: routes[0].tenants: expected "*" or a list of tenants, got "acme"',
    '10: routes[0].receivers: expected at least one receiver, got none',
    '11: routes[1].tenants: expected at least one tenant, got none',
    '13: routes[2].tenants[0]: expected a tenant name of 1 to 64 letters, digits, _ and -, got "a b"',
    '13: routes[2].receivers: is required, but missing',
    '14: routes[2].receiver: unknown key (did you mean receivers?)',
  ],
  'routes-unknown': [
    '9: routes[0].tenants[1]: expected one of the tenants acme, got "umbrella"',
    '10: routes[0].receivers[1]: expected one of the receivers central, archive, got "archives"',
    '10: routes[0].receivers[2]: expected each receiver once, got "central" again',
  ],
  'routes-unused': [
    '9: routes[0].tenants[1]: expected each tenant once, got "acme" again',
    '11: routes[1].tenants[0]: never used: routes[0] takes tenant acme',
    '15: routes[3]: never used: routes[2] takes every tenant that is left; put it last',
  ],
  'routes-incomplete': [
    '8: routes: expected a route for tenant globex, got none; a last one with tenants: "*" takes all that are left',
    '8: routes: expected a route for the tenants that are not named, got none; a last one with tenants: "*" takes all that are left',
  ],
  'routes-without-window': [
    '15: shard.shards: would lose data: receiver central takes no late samples (out_of_order_time_window is 0s), so expected 1, got 2',
  ],
  'log-values': [
    '6: log.sampling_fraction: expected a number of 0 to 1, got "1.5"',
    '7: log.repeat_interval: expected a duration of at least 1s, got "10ms"',
    '8: log.level: unknown key (known: sampling_fraction, repeat_interval)',
  ],
  'receiver-keys-missing': [
    '2: receivers[0].name: is required, but missing',
    '2: receivers[0].url: is required, but missing',
    '2: receivers[0].kind: is required, but missing',
  ],
  'receiver-url-password': ['3: receivers[0].url: expected an address without user and password; use basic_auth with { env: NAME }'],
  'receiver-values': [
    '2: receivers[0].name: expected a name of letters, digits, _ and -, got "a b"',
    '3: receivers[0].url: expected an address such as https://thanos.example.com/api/v1/receive, got something else',
    '4: receivers[0].kind: expected one of thanos, prometheus, mimir, victoriametrics, got "cortex"',
    '6: receivers[0].out_of_order_time_window: expected a duration such as 30s or 1h30m, got "soon"',
    '7: receivers[0].remote_timeout: expected a duration of at least 1ms, got "0s"',
    '9: receivers[0].queue_config.max_samples_per_send: expected a whole number of 1 to 50000, got "0"',
    '10: receivers[0].queue_config.min_backoff: expected a duration of at least 1ms, got "0s"',
    '11: receivers[0].queue_config.max_backoff: expected a duration such as 30s or 1h30m, got "100"',
  ],
  'shard-values': [
    '6: shard.generation: expected a whole number of 1 or more, got "0"',
    '7: shard.shards: expected a whole number of 1 to 1024, got "5000"',
    '8: shard.lanes: expected a whole number of 1 to 64, got "0"',
    '9: shard.commit_interval: expected a duration of at least 10ms, got "1ms"',
    '10: shard.max_buffer_size: expected a size of at least 1MiB, got "1KB"',
    '11: shard.dead_letter_retention: expected a duration of at least 1h, got "1s"',
  ],
  'shards-without-window': [
    '6: shard.shards: would lose data: receiver central takes no late samples (out_of_order_time_window is 0s), so expected 1, got 4',
  ],
  'tenant-header-reserved': [
    '5: receivers[0].tenant_header: expected the name of an HTTP header such as THANOS-TENANT, got "Content-Type"',
  ],
  'tenant-header-twice': ['6: receivers[0].headers.THANOS-TENANT: this header tells the tenant (tenant_header); remove it here'],
  'tenant-header': ['5: receivers[0].tenant_header: expected the name of an HTTP header such as THANOS-TENANT, got "X Y"'],
  'tenant-limits': [
    '8: tenants.acme.limits.ingestion_rate: expected a whole number of 0 or more, got "-1"',
    '9: tenants.acme.limits.ingestion_burst_size: expected a whole number of 0 or more, got "many"',
    '10: tenants.acme.limits.max_active_series: expected a whole number of 0 or more, got "1.5"',
    '11: tenants.acme.limits.table_rows_per_day: expected a whole number of 0 or more, got "-3"',
    '12: tenants.acme.limits.table_size_per_day: expected a size such as 10MB or 512MiB, got "10"',
    '13: tenants.acme.limits.max_buffer_size: expected a size of at least 1MiB, got "1KB"',
    '14: tenants.acme.limits.push_size_limit: expected a size of at most 4MiB, got "5MB"',
    '15: tenants.acme.limits.label_limit: expected a whole number of 1 to 64, got "65"',
    '16: tenants.acme.limits.ingestion_rat: unknown key (did you mean ingestion_rate?)',
    '18: tenants.acme.device_limits.max_offences: expected a whole number of 0 or more, got "-1"',
    '19: tenants.acme.device_limits.max_buffer_size: unknown key (known: ingestion_rate, ingestion_burst_size, max_active_series, table_rows_per_day, table_size_per_day, max_offences)',
  ],
  'tenant-origins': [
    '7: tenants.path.cors_origins[0]: expected an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern), got "https://kiosk.example.com/"',
    '9: tenants.pattern.cors_origins[0]: expected an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern), got "https://*.example.com"',
    '9: tenants.pattern.cors_origins[1]: expected an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern), got "*"',
    '11: tenants.nobody.cors_origins[0]: expected an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern), got "null"',
    '11: tenants.nobody.cors_origins[1]: expected an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern), got "file://"',
    '11: tenants.nobody.cors_origins[2]: expected an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern), got "kiosk.example.com"',
    '13: tenants.case.cors_origins[0]: expected an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern), got "https://Kiosk.example.com"',
    '13: tenants.case.cors_origins[1]: expected an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern), got "https://kiosk.example.com:443"',
    '15: tenants.lifetimes.browser_tokens.lifetime: expected a duration of at least 1m, got "30s"',
    '19: tenants.ages.browser_tokens.max_age: expected at least the lifetime, 172800s, got 86400s',
    '21: tenants.keys.browser_tokens.life_time: unknown key (did you mean lifetime?)',
  ],
  'tenant-tokens': [
    '7: tenants.acme.revoked_devices[1]: expected the name of a device: 1 to 64 letters, digits, _ and -, got "gw 2"',
    '7: tenants.acme.revoked_devices[2]: expected a string that is not empty, got nothing',
    '8: tenants.acme.tokens_not_before: expected a time such as 2026-01-31T12:00:00Z, got "2026-01-31"',
    '10: tenants.globex.tokens_not_before: expected a time such as 2026-01-31T12:00:00Z, got "2026-13-31T12:00:00Z"',
  ],
  'tenant-name': ['6: tenants["acme.org"]: expected "*" or a tenant name of 1 to 64 letters, digits, _ and -'],
  'tenant-values': [
    '7: tenants.acme.external_labels[""]: expected a label name, got ""',
    '8: tenants.acme.write_relabel_configs[0].regex: expected a regular expression in RE2 syntax, got "(": missing closing ): `(`',
    '9: tenants.acme.reserved_labels[0]: expected a label name, got ""',
    '10: tenants.acme.min_push_interval: expected a duration such as 30s or 1h30m, got "often"',
  ],
  'tenants-empty': ['5: tenants: expected at least one tenant, or "*" for all, got none'],
  'tenants-missing': ['1: tenants: is required, but missing'],
  'unknown-keys': [
    '1: recievers: unknown key (did you mean receivers?)',
    '6: receivers[0].tennant_header: unknown key (did you mean tenant_header?)',
    '7: receivers[0].queue_config.max_sample_per_send: unknown key (did you mean max_samples_per_send?)',
    '8: shard.lane: unknown key (did you mean lanes?)',
    '9: limits.push_size: unknown key (known: push_size_limit, push_inflated_size_limit, table_size_limit, table_row_limit, label_limit, label_name_length_limit, label_value_length_limit, target_limit, scrape_limit, cell_limit, too_far_in_future_time_window)',
    '11: tenants["*"].external_label: unknown key (did you mean external_labels?)',
  ],
  'unsupported-metadata-config': [
    '5: receivers[0].send_exemplars: expected true or false, got "sometimes"',
    '8: receivers[0].metadata_config.send_interval: not supported: devices send metadata when they change and every 12h',
    '9: receivers[0].metadata_config.max_samples_per_send: not supported: metadata go along with samples',
  ],
  'wrong-types': [
    '1: receivers: expected a list, got a map',
    '3: shard: expected a map, got a list',
    '4: limits: expected a map, got "4MB"',
    '5: log: expected a map, got a list',
    '6: tenants: expected a map, got a list',
  ],
};

describe('parseRelayConfig refuses', () => {
  it.each(Object.entries(refusals))('%s', (name, messages) => {
    const file = `${name}.bad.yml`;
    const result = parseRelayConfig(readFileSync(new URL(file, folder), 'utf8'), file);
    const text = result.ok ? 'accepted' : formatConfigErrors(result.error);
    expect(text.split('\n')).toEqual(messages.map((message) => `${file}:${message}`));
    expect(text).not.toContain('SECRET');
  });

  it('has a case for every fixture', () => {
    const fixtures = readdirSync(folder).filter((name) => name.endsWith('.bad.yml'));
    expect(fixtures.sort()).toEqual(
      Object.keys(refusals)
        .map((name) => `${name}.bad.yml`)
        .sort(),
    );
  });
});
