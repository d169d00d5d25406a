import { err, ok, type Result } from '../contract/result.ts';
import type { S3Settings } from './buffer/s3.ts';
import type { RelayConfig } from './config/types.ts';

/** Secrets and variables of the Worker, set with `wrangler secret put` or in wrangler.toml. Unchecked. */
export interface SettingTexts {
  /** Secret: signs device tokens (HS256). At least {@link MIN_KEY_BYTES} bytes. */
  readonly DEVICE_TOKEN_KEY?: string;
  /** Secret: where set, /metrics asks for it as a bearer token. */
  readonly METRICS_TOKEN?: string;
  /** Secret: where set, the admin interface exists and asks for it as a bearer token. At least {@link MIN_KEY_BYTES} bytes. */
  readonly ADMIN_TOKEN?: string;
  /** Text of a relay.yml, used instead of the bundled one. */
  readonly RELAY_CONFIG?: string;
  /** Used instead of the address of the configuration's only receiver. */
  readonly RECEIVER_URL?: string;
  /** Where set, the bucket is there and not at the R2 binding. The four below belong to it. */
  readonly S3_ENDPOINT?: string;
  readonly S3_BUCKET?: string;
  /** Default {@link DEFAULT_REGION}. */
  readonly S3_REGION?: string;
  /** Secret. */
  readonly S3_ACCESS_KEY_ID?: string;
  /** Secret. */
  readonly S3_SECRET_ACCESS_KEY?: string;
}

/** The texts after all checks. Holds secrets: never logged, never shown. */
export interface Settings {
  readonly config: RelayConfig;
  readonly deviceTokenKey: string;
  /** Undefined: the R2 binding. */
  readonly s3: S3Settings | undefined;
  readonly metricsToken: string | undefined;
  readonly adminToken: string | undefined;
}

/** One line for each fault, fit for a page: place, expected, got; no secret in it. */
export type SettingErrors = readonly string[];

export type ParseConfig = (text: string, file: string) => Result<RelayConfig, readonly { readonly message: string }[]>;

/** A key of HS256 is as long as its hash or longer: RFC 7518, section 3.2. */
export const MIN_KEY_BYTES = 32;

/** What servers other than AWS' take, or do not look at. */
const DEFAULT_REGION = 'us-east-1';

/** @param bundled text of infra/relay.yml */
export function readSettings(texts: SettingTexts, bundled: string, parse: ParseConfig): Result<Settings, SettingErrors> {
  const errors: string[] = [];
  const key = texts.DEVICE_TOKEN_KEY ?? '';
  const keyBytes = new TextEncoder().encode(key).length;
  if (keyBytes === 0) errors.push('DEVICE_TOKEN_KEY: expected a secret, got none. Set it with `wrangler secret put DEVICE_TOKEN_KEY`.');
  else if (keyBytes < MIN_KEY_BYTES)
    errors.push(`DEVICE_TOKEN_KEY: expected at least ${MIN_KEY_BYTES} bytes, got ${keyBytes}. Make one with \`openssl rand -hex 32\`.`);

  const adminToken = texts.ADMIN_TOKEN ?? '';
  const adminBytes = new TextEncoder().encode(adminToken).length;
  if (adminBytes > 0 && adminBytes < MIN_KEY_BYTES)
    errors.push(`ADMIN_TOKEN: expected at least ${MIN_KEY_BYTES} bytes, got ${adminBytes}. Make one with \`openssl rand -hex 32\`.`);

  const override = texts.RELAY_CONFIG ?? '';
  const parsed = override === '' ? parse(bundled, 'relay.yml') : parse(override, 'RELAY_CONFIG');
  if (!parsed.ok) errors.push(...parsed.error.map(({ message }) => message));

  const url = texts.RECEIVER_URL ?? '';
  // The value is not repeated: an address may carry a password.
  if (url !== '' && !isHttpUrl(url)) errors.push('RECEIVER_URL: expected an http or https address, got something else.');

  if (url !== '' && parsed.ok && parsed.value.receivers.length > 1)
    errors.push(
      `RECEIVER_URL: expected a configuration with one receiver, got ${parsed.value.receivers.length}. Set the address of each there.`,
    );

  const s3 = readS3(texts, errors);
  if (!parsed.ok || errors.length > 0) return err(errors);
  const config =
    url === '' ? parsed.value : { ...parsed.value, receivers: parsed.value.receivers.map((receiver) => ({ ...receiver, url })) };
  const metricsToken = texts.METRICS_TOKEN ?? '';
  return ok({
    config,
    deviceTokenKey: key,
    s3,
    metricsToken: metricsToken === '' ? undefined : metricsToken,
    adminToken: adminToken === '' ? undefined : adminToken,
  });
}

const S3_TEXTS = ['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const;

/** All or none: half of it would quietly mean another bucket. */
function readS3(texts: SettingTexts, errors: string[]): S3Settings | undefined {
  const [endpoint = '', bucket = '', accessKeyId = '', secretAccessKey = ''] = S3_TEXTS.map((name) => texts[name]);
  const region = texts.S3_REGION ?? '';
  const missing = S3_TEXTS.filter((name) => (texts[name] ?? '') === '');
  if (missing.length === S3_TEXTS.length && region === '') return undefined;
  for (const name of missing)
    errors.push(
      `${name}: expected a value, since other settings of S3 have one, got none. Set it, or none of ${S3_TEXTS.join(', ')}, S3_REGION.`,
    );
  if (endpoint !== '' && !isPlainHttpUrl(endpoint))
    errors.push('S3_ENDPOINT: expected an http or https address without user, password and query, got something else.');
  if (bucket !== '' && !/^[A-Za-z0-9._-]{1,255}$/.test(bucket))
    errors.push('S3_BUCKET: expected the name of a bucket, got something else.');
  return { endpoint, bucket, region: region === '' ? DEFAULT_REGION : region, accessKeyId, secretAccessKey };
}

function isPlainHttpUrl(text: string): boolean {
  if (!isHttpUrl(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username + password + search + hash === '';
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol } = new URL(text);
  return protocol === 'http:' || protocol === 'https:';
}

/** {@link readSettings}, once for the same texts: they do not change while an isolate lives, but nothing promises it. */
export function createSettingsReader(bundled: string, parse: ParseConfig): (texts: SettingTexts) => Result<Settings, SettingErrors> {
  let known: { readonly key: string; readonly result: Result<Settings, SettingErrors> } | undefined;
  return (texts) => {
    const key = JSON.stringify([
      texts.DEVICE_TOKEN_KEY,
      texts.METRICS_TOKEN,
      texts.ADMIN_TOKEN,
      texts.RELAY_CONFIG,
      texts.RECEIVER_URL,
      texts.S3_REGION,
      ...S3_TEXTS.map((name) => texts[name]),
    ]);
    if (known?.key !== key) known = { key, result: readSettings(texts, bundled, parse) };
    return known.result;
  };
}
