import type { SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '../config/types.ts';
import { type ReadFile, readBytes } from './secret.ts';

export interface TlsOptions extends SecureContextOptions {
  readonly rejectUnauthorized: boolean;
  readonly servername?: string;
}

/** The options of `tls_config` with the files as they are now, and a text that changes when they do. */
export async function loadTls(config: TlsConfig, readFile: ReadFile): Promise<{ readonly options: TlsOptions; readonly version: string }> {
  const read = async (path: string | undefined, what: string): Promise<Buffer | undefined> =>
    path === undefined ? undefined : Buffer.from(await readBytes(path, readFile, `tls_config.${what}`));
  const [ca, cert, key] = [
    await read(config.caFile, 'ca_file'),
    await read(config.certFile, 'cert_file'),
    await read(config.keyFile, 'key_file'),
  ];
  return {
    options: {
      rejectUnauthorized: !config.insecureSkipVerify,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
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
