import { err, ok, type Result } from '../contract/result.ts';
import type { RelayConfig } from './config/types.ts';

/** Secrets and variables of the Worker, set with `wrangler secret put` or in wrangler.toml. Unchecked. */
export interface SettingTexts {
  /** Secret: signs device tokens (HS256). At least {@link MIN_KEY_BYTES} bytes. */
  readonly DEVICE_TOKEN_KEY?: string;
  /** Secret: where set, /metrics asks for it as a bearer token. */
  readonly METRICS_TOKEN?: string;
  /** Text of a relay.yml, used instead of the bundled one. */
  readonly RELAY_CONFIG?: string;
  /** Used instead of the configuration's receiver address. */
  readonly RECEIVER_URL?: string;
}

/** The texts after all checks. Holds secrets: never logged, never shown. */
export interface Settings {
  readonly config: RelayConfig;
  readonly deviceTokenKey: string;
  readonly metricsToken: string | undefined;
}

/** One line for each fault, fit for a page: place, expected, got; no secret in it. */
export type SettingErrors = readonly string[];

export type ParseConfig = (text: string, file: string) => Result<RelayConfig, readonly { readonly message: string }[]>;

/** A key of HS256 is as long as its hash or longer: RFC 7518, section 3.2. */
export const MIN_KEY_BYTES = 32;

/** @param bundled text of infra/relay.yml */
export function readSettings(texts: SettingTexts, bundled: string, parse: ParseConfig): Result<Settings, SettingErrors> {
  const errors: string[] = [];
  const key = texts.DEVICE_TOKEN_KEY ?? '';
  const keyBytes = new TextEncoder().encode(key).length;
  if (keyBytes === 0) errors.push('DEVICE_TOKEN_KEY: expected a secret, got none. Set it with `wrangler secret put DEVICE_TOKEN_KEY`.');
  else if (keyBytes < MIN_KEY_BYTES)
    errors.push(`DEVICE_TOKEN_KEY: expected at least ${MIN_KEY_BYTES} bytes, got ${keyBytes}. Make one with \`openssl rand -hex 32\`.`);

  const override = texts.RELAY_CONFIG ?? '';
  const parsed = override === '' ? parse(bundled, 'relay.yml') : parse(override, 'RELAY_CONFIG');
  if (!parsed.ok) errors.push(...parsed.error.map(({ message }) => message));

  const url = texts.RECEIVER_URL ?? '';
  // The value is not repeated: an address may carry a password.
  if (url !== '' && !isHttpUrl(url)) errors.push('RECEIVER_URL: expected an http or https address, got something else.');

  if (!parsed.ok || errors.length > 0) return err(errors);
  const config = url === '' ? parsed.value : { ...parsed.value, receiver: { ...parsed.value.receiver, url } };
  const metricsToken = texts.METRICS_TOKEN ?? '';
  return ok({ config, deviceTokenKey: key, metricsToken: metricsToken === '' ? undefined : metricsToken });
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
    const key = JSON.stringify([texts.DEVICE_TOKEN_KEY, texts.METRICS_TOKEN, texts.RELAY_CONFIG, texts.RECEIVER_URL]);
    if (known?.key !== key) known = { key, result: readSettings(texts, bundled, parse) };
    return known.result;
  };
}
