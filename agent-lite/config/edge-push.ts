import {
  bool,
  type Decoder,
  expected,
  FAILED,
  type Failed,
  fail,
  nonEmptyString,
  object,
  type Place,
  positiveDuration,
  refine,
  required,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { defaultEdgePush } from './defaults.ts';
import { type Environment, expandEnvironment } from './environment.ts';
import { buildHttp, httpFields } from './http.ts';
import type { EdgePushConfig } from './types.ts';
import { refusedEdgePushKeys } from './unsupported.ts';

export function edgePushConfig(baseDir: string, env: Environment): Decoder<EdgePushConfig> {
  const { basic_auth: _basic, oauth2: _oauth2, authorization, ...http } = httpFields(baseDir, defaultEdgePush.followRedirects);
  const fields = {
    url: required(edgeUrl(env)),
    push_interval: withDefault(positiveDuration, defaultEdgePush.pushIntervalMs),
    remote_timeout: withDefault(positiveDuration, defaultEdgePush.remoteTimeoutMs),
    drop_push_down: withDefault(bool, defaultEdgePush.dropPushDown),
    authorization: required(authorization.decode),
    ...http,
  };
  return refine(object(fields, refusedEdgePushKeys), (raw, place) => {
    const client = buildHttp({ ...raw, basic_auth: undefined, oauth2: undefined }, place);
    if (client === FAILED) return FAILED;
    const { url, push_interval: pushIntervalMs, remote_timeout: remoteTimeoutMs, drop_push_down: dropPushDown } = raw;
    return { url, pushIntervalMs, remoteTimeoutMs, dropPushDown, http: client };
  });
}

const ADDRESS = 'an address such as https://edge.example.com';

/** The edge's base address without a trailing slash. Messages show the text as configured, before variables are put in. */
const edgeUrl = (env: Environment): Decoder<string> =>
  refine(nonEmptyString, (text, place) => {
    const expanded = expandEnvironment(text, env);
    return expanded.ok ? checkUrl(expanded.value, place) : fail(place, expanded.error);
  });

function checkUrl(text: string, place: Place): string | Failed {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    // What stands before an @ may be a token.
    return text.includes('@') ? expected(place, ADDRESS, 'something else') : expected(place, ADDRESS);
  }
  if (url.username !== '' || url.password !== '') return fail(place, 'expected an address without user and password; use authorization');
  if (url.search !== '' || url.hash !== '') return expected(place, 'an address without ? and #, since paths are added to it');
  return url.href.replace(/\/+$/, '');
}
