import {
  type Decoder,
  expected,
  FAILED,
  fail,
  list,
  mapOf,
  nonEmptyString,
  object,
  optional,
  refine,
  required,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { defaultHttp, defaultTls } from './defaults.ts';
import { buildProxy, proxyFields } from './proxy.ts';
import { inlineSecret, oneSource, secretFile } from './secrets.ts';
import { tlsConfig } from './tls.ts';
import type { OAuth2Config } from './types.ts';
import { refusedOAuth2Keys } from './unsupported.ts';

/** Its address may hold a password, so messages do not repeat it. */
const tokenUrl: Decoder<string> = refine(nonEmptyString, (text, place) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
    ? text
    : expected(place, 'an address such as https://auth.example.com/token', 'something else'),
);

/** `oauth2` of Prometheus' `<http_config>`, client credentials. */
export const oauth2 = (baseDir: string): Decoder<OAuth2Config> =>
  refine(
    object(
      {
        client_id: required(nonEmptyString),
        client_secret: optional(inlineSecret),
        client_secret_file: optional(secretFile(baseDir)),
        scopes: withDefault<readonly string[]>(list(nonEmptyString), []),
        token_url: required(tokenUrl),
        endpoint_params: withDefault<OAuth2Config['endpointParams']>(mapOf(string), []),
        tls_config: withDefault(tlsConfig(baseDir), defaultTls),
        ...proxyFields,
      },
      refusedOAuth2Keys,
    ),
    (raw, place) => {
      const clientSecret = oneSource(place, 'client_secret', raw.client_secret, raw.client_secret_file);
      const proxy = buildProxy(raw, place);
      if (clientSecret === FAILED || proxy === FAILED) return FAILED;
      if (clientSecret === undefined) return fail(place, 'expected client_secret or client_secret_file, got neither');
      return {
        clientId: raw.client_id,
        clientSecret,
        scopes: raw.scopes,
        tokenUrl: raw.token_url,
        endpointParams: raw.endpoint_params,
        // The secret stands in the request's body, too, which a redirect would carry elsewhere.
        client: { ...defaultHttp, tls: raw.tls_config, ...proxy, followRedirects: false },
      };
    },
  );
