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
  optional,
  type Place,
  placeOf,
  refine,
  secretly,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { inlineSecret } from './secrets.ts';
import type { HeaderConfig, HttpClientConfig } from './types.ts';

/** An address of a proxy. It may carry a password, so messages do not repeat it. */
const proxyUrl: Decoder<string> = refine(nonEmptyString, (text, place) =>
  /^https?:$/.test(protocolOf(text)) ? text : expected(place, 'an address such as http://proxy.example:3128', 'something else'),
);

/** `https:`; empty where the text is no URL. */
const protocolOf = (text: string): string => (URL.canParse(text) ? new URL(text).protocol : '');

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
export const checkHeaderName = (name: string, place: Place): Failed | undefined =>
  HEADER_NAME.test(name) ? undefined : fail(placeOf(place, name), 'expected the name of an HTTP header');

const connectHeaders: Decoder<readonly HeaderConfig[]> = refine(mapOf(list(inlineSecret)), (entries, place) => {
  for (const [name] of entries) {
    const failed = checkHeaderName(name, place);
    if (failed !== undefined) return failed;
  }
  return entries.map(([name, values]) => ({ name, values }));
});

/** The keys of Prometheus' `<http_config>` that lead to a proxy. */
export const proxyFields = {
  proxy_url: optional(secretly(proxyUrl)),
  proxy_from_environment: withDefault(bool, false),
  no_proxy: withDefault(string, ''),
  proxy_connect_header: withDefault<readonly HeaderConfig[]>(secretly(connectHeaders), []),
};

export type ProxyConfig = Pick<HttpClientConfig, 'proxyUrl' | 'proxyFromEnvironment' | 'noProxy' | 'proxyConnectHeaders'>;

export function buildProxy(raw: Decoded<typeof proxyFields>, place: Place): ProxyConfig | Failed {
  if (raw.proxy_from_environment && raw.proxy_url !== undefined) {
    return fail(placeOf(place, 'proxy_from_environment'), 'expected one of proxy_url and proxy_from_environment, got both');
  }
  if (raw.no_proxy !== '' && raw.proxy_url === undefined) {
    return fail(placeOf(place, 'no_proxy'), 'expected a proxy_url with it, got none (with proxy_from_environment set NO_PROXY there)');
  }
  if (raw.proxy_connect_header.length > 0 && raw.proxy_url === undefined && !raw.proxy_from_environment) {
    return fail(placeOf(place, 'proxy_connect_header'), 'expected a proxy_url or proxy_from_environment with it, got neither');
  }
  return {
    proxyUrl: raw.proxy_url,
    proxyFromEnvironment: raw.proxy_from_environment,
    noProxy: raw.no_proxy,
    proxyConnectHeaders: raw.proxy_connect_header,
  };
}
