import type { SecureContextOptions } from 'node:tls';
import type { SecretSource, TlsConfig } from '../config/types.ts';
import { type ReadFile, readBytes } from './secret.ts';

export interface TlsOptions extends SecureContextOptions {
  readonly rejectUnauthorized: boolean;
  readonly servername?: string;
}

/** The options of `tls_config` with the files as they are now, and a text that changes when they do. */
export async function loadTls(config: TlsConfig, readFile: ReadFile): Promise<{ readonly options: TlsOptions; readonly version: string }> {
  const read = async (source: SecretSource | undefined, what: string): Promise<Buffer | undefined> => {
    if (source === undefined) return undefined;
    return Buffer.from(source.kind === 'inline' ? source.value : await readBytes(source.path, readFile, `tls_config.${what}_file`));
  };
  const [ca, cert, key] = [await read(config.ca, 'ca'), await read(config.cert, 'cert'), await read(config.key, 'key')];
  return {
    options: {
      rejectUnauthorized: !config.insecureSkipVerify,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      // Node 18 and Go agree on TLS 1.2; told, so that no flag of the process lowers it.
      minVersion: config.minVersion ?? 'TLSv1.2',
      ...(config.maxVersion === undefined ? {} : { maxVersion: config.maxVersion }),
      ...(config.serverName === undefined ? {} : { servername: config.serverName }),
    },
    version: [ca, cert, key].map((file) => file?.toString('latin1') ?? '').join('\0'),
  };
}

/** Codes of OpenSSL's certificate checks and of Node's TLS layer. */
const TLS_CODE =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|EPROTO)/;

/** What a failed handshake means; `undefined`: it is no matter of TLS. */
export function tlsMessage(code: string, message: string): string | undefined {
  if (code === 'CERT_NOT_YET_VALID') {
    return 'the certificate is not yet valid; most likely the clock of this device is wrong (behind): set it, verification is not weakened';
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return 'the certificate has expired; renew it on the server, or correct the clock of this device if that is ahead';
  }
  if (!TLS_CODE.test(code)) return undefined;
  // OpenSSL's own message names threads and source lines, which differ each time.
  const reason = /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1];
  if (reason === 'wrong version number' || reason === 'packet length too long')
    return 'the other side does not speak TLS; is its scheme http?';
  return `${reason ?? message} (${code})`;
}
