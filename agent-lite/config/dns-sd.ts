import {
  type Decoder,
  expected,
  fail,
  int,
  list,
  nonEmptyString,
  object,
  placeOf,
  positiveDuration,
  refine,
  required,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { defaultDnsSd } from './defaults.ts';
import type { DnsSdConfig } from './types.ts';

const TYPES: readonly DnsSdConfig['type'][] = ['SRV', 'A', 'AAAA', 'MX', 'NS'];

const recordType: Decoder<DnsSdConfig['type']> = refine(
  string,
  (text, place) => TYPES.find((type) => type === text.toUpperCase()) ?? expected(place, `one of ${TYPES.join(', ')}`),
);

/** What the wire format of DNS can carry: labels of at most 63 bytes, 253 in all. Else every lookup would fail. */
const hostName: Decoder<string> = refine(nonEmptyString, (text, place) =>
  text.length <= 254 && /^(?:[^.\s]{1,63}\.)*[^.\s]{1,63}\.?$/.test(text) ? text : expected(place, 'a name such as _node._tcp.example.com'),
);

/** An entry of `dns_sd_configs`; discovery/dns in Prometheus. A `port` beside SRV records, which have their own, is ignored there too. */
export const dnsSdConfig: Decoder<DnsSdConfig> = refine(
  object({
    names: required(list(hostName)),
    type: withDefault(recordType, defaultDnsSd.type),
    port: withDefault(int(0, 65_535), 0),
    refresh_interval: withDefault(positiveDuration, defaultDnsSd.refreshIntervalMs),
  }),
  ({ names, type, port, refresh_interval }, place) => {
    if (names.length === 0) return fail(placeOf(place, 'names'), 'expected at least one name, got none');
    if (port === 0 && type !== 'SRV') return fail(placeOf(place, 'port'), `expected a port, which ${type} records do not tell, got none`);
    return { kind: 'dns', names, type, port, refreshIntervalMs: refresh_interval };
  },
);
