import {
  bool,
  type Decoder,
  FAILED,
  fail,
  nonEmptyString,
  object,
  oneOf,
  optional,
  placeOf,
  refine,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { defaultTls } from './defaults.ts';
import { inlineText, oneSource, secretFile } from './secrets.ts';
import type { TlsConfig, TlsVersion } from './types.ts';
import { refusedTlsKeys } from './unsupported.ts';

const VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;
type VersionName = keyof typeof VERSIONS;
const NAMES: readonly VersionName[] = ['TLS10', 'TLS11', 'TLS12', 'TLS13'];
const version: Decoder<TlsVersion> = refine(oneOf(NAMES), (name) => VERSIONS[name]);

/** `tls_config` of Prometheus' `<http_config>`. */
export const tlsConfig = (baseDir: string): Decoder<TlsConfig> =>
  refine(
    object(
      {
        ca: optional(inlineText),
        ca_file: optional(secretFile(baseDir)),
        cert: optional(inlineText),
        cert_file: optional(secretFile(baseDir)),
        key: optional(inlineText),
        key_file: optional(secretFile(baseDir)),
        server_name: optional(nonEmptyString),
        insecure_skip_verify: withDefault(bool, defaultTls.insecureSkipVerify),
        min_version: optional(version),
        max_version: optional(version),
      },
      refusedTlsKeys,
    ),
    (raw, place) => {
      const ca = oneSource(place, 'ca', raw.ca, raw.ca_file);
      const cert = oneSource(place, 'cert', raw.cert, raw.cert_file);
      const key = oneSource(place, 'key', raw.key, raw.key_file);
      if (ca === FAILED || cert === FAILED || key === FAILED) return FAILED;
      if (cert !== undefined && key === undefined)
        return fail(placeOf(place, raw.cert_file === undefined ? 'cert' : 'cert_file'), 'expected a key or key_file with it, got none');
      if (key !== undefined && cert === undefined)
        return fail(placeOf(place, raw.key_file === undefined ? 'key' : 'key_file'), 'expected a cert or cert_file with it, got none');
      const { min_version: minVersion, max_version: maxVersion } = raw;
      if (minVersion !== undefined && maxVersion !== undefined && minVersion > maxVersion)
        return fail(placeOf(place, 'max_version'), 'expected at least the min_version');
      return { ca, cert, key, serverName: raw.server_name, insecureSkipVerify: raw.insecure_skip_verify, minVersion, maxVersion };
    },
  );
