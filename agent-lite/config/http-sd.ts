import {
  type Decoder,
  expected,
  FAILED,
  fail,
  nonEmptyString,
  object,
  positiveDuration,
  refine,
  required,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { defaultHttpSd } from './defaults.ts';
import { buildHttp, httpFields } from './http.ts';
import type { HttpSdConfig } from './types.ts';
import { refusedHttpKeys } from './unsupported.ts';

/**
 * Never repeated in messages, since it may hold a password. One that does is refused: it would also show in the label
 * `__meta_url`.
 */
const url: Decoder<string> = refine(nonEmptyString, (text, place) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || !/^https?:\/\//i.test(text))
    return expected(place, 'an address such as https://sd.example.com/targets', 'something else');
  if (parsed.username !== '' || parsed.password !== '') return fail(place, 'expected an address without user and password; use basic_auth');
  return text;
});

/** An entry of `http_sd_configs`; discovery/http in Prometheus. */
export const httpSdConfig = (baseDir: string): Decoder<HttpSdConfig> =>
  refine(
    object(
      {
        url: required(url),
        refresh_interval: withDefault(positiveDuration, defaultHttpSd.refreshIntervalMs),
        ...httpFields(baseDir, defaultHttpSd.followRedirects),
      },
      refusedHttpKeys,
    ),
    (raw, place) => {
      const http = buildHttp(raw, place);
      return http === FAILED ? FAILED : { kind: 'http', url: raw.url, refreshIntervalMs: raw.refresh_interval, http };
    },
  );
