import {
  bool,
  type Decoded,
  type Decoder,
  FAILED,
  type Failed,
  fail,
  list,
  mapOf,
  object,
  optional,
  type Place,
  placeOf,
  refine,
  secretly,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { DEFAULT_AUTHORIZATION_TYPE, defaultTls } from './defaults.ts';
import { oauth2 } from './oauth2.ts';
import { buildProxy, checkHeaderName, proxyFields } from './proxy.ts';
import { headerText, inlineSecret, oneSource, secretFile } from './secrets.ts';
import { tlsConfig } from './tls.ts';
import type { HttpClientConfig, SecretSource } from './types.ts';
import { refusedAuthorizationKeys, refusedBasicAuthKeys } from './unsupported.ts';

const authorization = (baseDir: string): Decoder<NonNullable<HttpClientConfig['authorization']>> =>
  refine(
    object(
      {
        type: withDefault(headerText, DEFAULT_AUTHORIZATION_TYPE),
        credentials: optional(inlineSecret),
        credentials_file: optional(secretFile(baseDir)),
      },
      refusedAuthorizationKeys,
    ),
    ({ type, ...raw }, place) => {
      if (type.toLowerCase() === 'basic') return fail(placeOf(place, 'type'), 'expected a type other than basic; use basic_auth instead');
      const credentials = oneSource(place, 'credentials', raw.credentials, raw.credentials_file);
      if (credentials === FAILED) return FAILED;
      return credentials === undefined ? fail(place, 'expected credentials or credentials_file, got neither') : { type, credentials };
    },
  );

const username: Decoder<SecretSource> = refine(string, (value) => ({ kind: 'inline', value }));

const basicAuth = (baseDir: string): Decoder<NonNullable<HttpClientConfig['basicAuth']>> =>
  refine(
    object(
      {
        username: optional(username),
        username_file: optional(secretFile(baseDir)),
        password: optional(inlineSecret),
        password_file: optional(secretFile(baseDir)),
      },
      refusedBasicAuthKeys,
    ),
    (raw, place) => {
      const user = oneSource(place, 'username', raw.username, raw.username_file);
      const password = oneSource(place, 'password', raw.password, raw.password_file);
      if (user === FAILED || password === FAILED) return FAILED;
      return { username: user ?? { kind: 'inline', value: '' }, password };
    },
  );

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
        const failed = checkHeaderName(name, place);
        if (failed !== undefined) return failed;
        if (RESERVED_HEADERS.includes(name.toLowerCase()))
          return fail(placeOf(place, name), 'this header is set by the agent or by a key of its own; remove it here');
      }
      return entries.map(([name, values]) => ({ name, values }));
    },
  );

/** The keys of Prometheus' `<http_config>`, to be spread into the object that holds them. */
export const httpFields = (baseDir: string, followRedirects: boolean) => ({
  basic_auth: optional(secretly(basicAuth(baseDir))),
  authorization: optional(secretly(authorization(baseDir))),
  oauth2: optional(secretly(oauth2(baseDir))),
  tls_config: withDefault(secretly(tlsConfig(baseDir)), defaultTls),
  ...proxyFields,
  follow_redirects: withDefault(bool, followRedirects),
  /** Only allows HTTP/2; every server speaks HTTP/1.1 as well, which is what the agent speaks. */
  enable_http2: withDefault(bool, true),
  http_headers: withDefault<HttpClientConfig['headers']>(secretly(httpHeaders(baseDir)), []),
});

const AUTHENTICATIONS = ['basic_auth', 'authorization', 'oauth2'] as const;

export function buildHttp(raw: Decoded<ReturnType<typeof httpFields>>, place: Place): HttpClientConfig | Failed {
  const [first, second] = AUTHENTICATIONS.filter((key) => raw[key] !== undefined);
  if (first !== undefined && second !== undefined) return fail(placeOf(place, first), `expected one of ${first} and ${second}, got both`);
  const proxy = buildProxy(raw, place);
  if (proxy === FAILED) return FAILED;
  return {
    basicAuth: raw.basic_auth,
    authorization: raw.authorization,
    oauth2: raw.oauth2,
    tls: raw.tls_config,
    ...proxy,
    followRedirects: raw.follow_redirects,
    headers: raw.http_headers,
  };
}
