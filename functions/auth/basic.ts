import { err, type Result } from '../../contract/result.ts';
import type { KnownTokens } from './known-tokens.ts';
import { type AuthFailure, type TokenHolder, verifyToken } from './token.ts';

/** As for tokens: longer headers are refused before anything is decoded. */
const MAX_HEADER_LENGTH = 4096;

/**
 * Standard senders: a token as {@link verifyToken} takes it, or as the password of basic authentication (RFC 7617), since some
 * senders know nothing else. The user must then be the token's device: a name that does not count would be a lie in somebody's
 * configuration.
 *
 * @param header value of the Authorization header
 * @param known as for {@link verifyToken}
 */
export async function verifySender(
  header: string | undefined,
  key: string,
  nowMs: number,
  known?: KnownTokens,
): Promise<Result<TokenHolder, AuthFailure>> {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header?.slice(0, MAX_HEADER_LENGTH + 1) ?? '')?.[1];
  if (header === undefined || header.length > MAX_HEADER_LENGTH || encoded === undefined) return verifyToken(header, key, nowMs, known);
  const credentials = decode(encoded);
  const colon = credentials.indexOf(':');
  if (colon < 0) return err('malformed');
  const identity = await verifyToken(`Bearer ${credentials.slice(colon + 1)}`, key, nowMs, known);
  // After the signature: who has no token learns nothing of names.
  return identity.ok && identity.value.device !== credentials.slice(0, colon) ? err('wrong_user') : identity;
}

function decode(base64: string): string {
  try {
    return atob(base64);
  } catch {
    return '';
  }
}
