import { isAbsolute, join } from 'node:path/posix';
import {
  bool,
  type Decoded,
  type Decoder,
  expected,
  type Failed,
  fail,
  list,
  mapOf,
  nonEmptyString,
  object,
  optional,
  type Place,
  placeOf,
  refine,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { DEFAULT_AUTHORIZATION_TYPE, defaultTls } from './defaults.ts';
import type { HttpClientConfig, SecretSource, TlsConfig } from './types.ts';
import { refusedBasicAuthKeys, refusedTlsKeys } from './unsupported.ts';

/** A file's path; relative ones are taken from the folder of the configuration file. */
export const filePath = (baseDir: string): Decoder<string> =>
  refine(nonEmptyString, (path) => (isAbsolute(path) ? path : join(baseDir, path)));

/** Text of an HTTP header. Never part of a message, since it may be a secret. */
const headerText: Decoder<string> = refine(nonEmptyString, (text, place) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a line end here would let the value add headers of its own
  /[\0-\x08\x0a-\x1f\x7f]/.test(text) ? expected(place, 'text without control characters', 'some') : text,
);
const inlineSecret: Decoder<SecretSource> = refine(headerText, (value) => ({ kind: 'inline', value }));
const secretFile = (baseDir: string): Decoder<SecretSource> => refine(filePath(baseDir), (path) => ({ kind: 'file', path }));

const authorization = (baseDir: string): Decoder<NonNullable<HttpClientConfig['authorization']>> =>
  refine(
    object({
      type: withDefault(headerText, DEFAULT_AUTHORIZATION_TYPE),
      credentials: optional(inlineSecret),
      credentials_file: optional(secretFile(baseDir)),
    }),
    ({ type, ...raw }, place) => {
      if (type.toLowerCase() === 'basic') return fail(placeOf(place, 'type'), 'expected a type other than basic; use basic_auth instead');
      const credentials = oneSource(raw.credentials, raw.credentials_file);
      if (credentials === undefined) return fail(place, 'expected credentials or credentials_file, got neither');
      return credentials === 'both' ? bothGiven(place, 'credentials') : { type, credentials };
    },
  );

const basicAuth = (baseDir: string): Decoder<NonNullable<HttpClientConfig['basicAuth']>> =>
  refine(
    object(
      { username: withDefault(string, ''), password: optional(inlineSecret), password_file: optional(secretFile(baseDir)) },
      refusedBasicAuthKeys,
    ),
    ({ username, ...raw }, place) => {
      const password = oneSource(raw.password, raw.password_file);
      return password === 'both' ? bothGiven(place, 'password') : { username, password };
    },
  );

/** A secret is given inline, in a file, or not at all. */
function oneSource(inline: SecretSource | undefined, file: SecretSource | undefined): SecretSource | 'both' | undefined {
  return inline !== undefined && file !== undefined ? 'both' : (inline ?? file);
}

const bothGiven = (place: Place, key: string): Failed =>
  fail(placeOf(place, `${key}_file`), `expected one of ${key} and ${key}_file, got both`);

const tlsConfig = (baseDir: string): Decoder<TlsConfig> =>
  refine(
    object(
      {
        ca_file: optional(filePath(baseDir)),
        cert_file: optional(filePath(baseDir)),
        key_file: optional(filePath(baseDir)),
        server_name: optional(nonEmptyString),
        insecure_skip_verify: withDefault(bool, defaultTls.insecureSkipVerify),
      },
      refusedTlsKeys,
    ),
    (raw, place) => {
      if (raw.cert_file !== undefined && raw.key_file === undefined)
        return fail(placeOf(place, 'cert_file'), 'expected a key_file with it, got none');
      if (raw.key_file !== undefined && raw.cert_file === undefined)
        return fail(placeOf(place, 'key_file'), 'expected a cert_file with it, got none');
      return {
        caFile: raw.ca_file,
        certFile: raw.cert_file,
        keyFile: raw.key_file,
        serverName: raw.server_name,
        insecureSkipVerify: raw.insecure_skip_verify,
      };
    },
  );

/** An address of a proxy. It may carry a password, so messages do not repeat it. */
const proxyUrl: Decoder<string> = refine(nonEmptyString, (text, place) =>
  /^https?:$/.test(protocolOf(text)) ? text : expected(place, 'an address such as http://proxy.example:3128', 'something else'),
);

/** `https:`; empty where the text is no URL. */
export const protocolOf = (text: string): string => (URL.canParse(text) ? new URL(text).protocol : '');

/** Set by the client itself or by other keys (common/config in Prometheus). Lower case. */
const RESERVED_HEADERS = [
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'transfer-encoding',
  'user-agent',
  'www-authenticate',
  'x-prometheus-scrape-timeout-seconds',
];

const httpHeaders = (baseDir: string): Decoder<HttpClientConfig['headers']> =>
  refine(
    mapOf(
      refine(
        object({
          values: withDefault<readonly SecretSource[]>(list(inlineSecret), []),
          secrets: withDefault<readonly SecretSource[]>(list(inlineSecret), []),
          files: withDefault<readonly SecretSource[]>(list(secretFile(baseDir)), []),
        }),
        ({ values, secrets, files }) => [...values, ...secrets, ...files],
      ),
    ),
    (entries, place) => {
      for (const [name] of entries) {
        if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return fail(placeOf(place, name), 'expected the name of an HTTP header');
        if (RESERVED_HEADERS.includes(name.toLowerCase()))
          return fail(placeOf(place, name), 'this header is set by the agent or by a key of its own; remove it here');
      }
      return entries.map(([name, values]) => ({ name, values }));
    },
  );

/** The keys of Prometheus' `<http_config>`, to be spread into the object that holds them. */
export const httpFields = (baseDir: string, followRedirects: boolean) => ({
  basic_auth: optional(basicAuth(baseDir)),
  authorization: optional(authorization(baseDir)),
  tls_config: withDefault(tlsConfig(baseDir), defaultTls),
  proxy_url: optional(proxyUrl),
  proxy_from_environment: withDefault(bool, false),
  no_proxy: withDefault(string, ''),
  follow_redirects: withDefault(bool, followRedirects),
  http_headers: withDefault<HttpClientConfig['headers']>(httpHeaders(baseDir), []),
});

export function buildHttp(raw: Decoded<ReturnType<typeof httpFields>>, place: Place): HttpClientConfig | Failed {
  if (raw.basic_auth !== undefined && raw.authorization !== undefined) {
    return fail(placeOf(place, 'basic_auth'), 'expected one of basic_auth and authorization, got both');
  }
  if (raw.proxy_from_environment && raw.proxy_url !== undefined) {
    return fail(placeOf(place, 'proxy_from_environment'), 'expected one of proxy_url and proxy_from_environment, got both');
  }
  if (raw.no_proxy !== '' && raw.proxy_url === undefined) {
    return fail(placeOf(place, 'no_proxy'), 'expected a proxy_url with it, got none (with proxy_from_environment set NO_PROXY there)');
  }
  return {
    basicAuth: raw.basic_auth,
    authorization: raw.authorization,
    tls: raw.tls_config,
    proxyUrl: raw.proxy_url,
    proxyFromEnvironment: raw.proxy_from_environment,
    noProxy: raw.no_proxy,
    followRedirects: raw.follow_redirects,
    headers: raw.http_headers,
  };
}
