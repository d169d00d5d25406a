import { sign, verify } from 'hono/jwt';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Identity } from '../model.ts';

/**
 * Device tokens: JSON Web Tokens (RFC 7519) signed with HS256. Claims: `tenant`, `sub` (the device) and `exp` (seconds since
 * 1970), all required, and `iat` (when it was issued), by which a tenant's older tokens can be refused together. Replaying a
 * push is harmless: what is stored is not stored twice.
 */

const ALGORITHM = 'HS256';
/** Names become parts of object keys and of Durable Object names, so nothing that separates or escapes may be in them. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Longer headers are refused before anything is decoded. */
const MAX_HEADER_LENGTH = 4096;

export const isIdentityName = (text: string): boolean => NAME.test(text);

export interface TokenClaims extends Identity {
  /** Ms since 1970; stored in whole seconds. */
  readonly expiresMs: number;
  /** Ms since 1970; stored in whole seconds. */
  readonly issuedMs?: number;
}
/** Who a good token names. */
export interface TokenHolder extends Identity {
  /** Ms since 1970; undefined: the token does not say. */
  readonly issuedMs: number | undefined;
}

/** Signs a token. Throws RangeError for names or a time that {@link verifyToken} would refuse. */
export async function signToken(key: string, claims: TokenClaims): Promise<string> {
  for (const name of ['tenant', 'device'] as const) {
    if (!isIdentityName(claims[name])) throw new RangeError(`${name}: expected ${NAME.source}, got ${JSON.stringify(claims[name])}`);
  }
  const { tenant, device, expiresMs, issuedMs } = claims;
  for (const [name, ms] of Object.entries({ expiresMs, issuedMs })) {
    if (ms !== undefined && !Number.isSafeInteger(ms)) throw new RangeError(`${name}: expected ms since 1970, got ${ms}`);
  }
  const issued = issuedMs === undefined ? {} : { iat: Math.floor(issuedMs / 1000) };
  return sign({ tenant, sub: device, exp: Math.floor(expiresMs / 1000), ...issued }, key, ALGORITHM);
}

export type AuthFailure =
  | 'missing'
  | 'malformed'
  | 'bad_signature'
  | 'expired'
  | 'not_yet_valid'
  | 'bad_claims'
  /** Basic authentication by a user who is not the token's device. */
  | 'wrong_user'
  /** The token is right, but its tenant takes no tokens of this device, or none so old. */
  | 'revoked'
  /** The token is right, but its tenant is not configured (any more). */
  | 'unknown_tenant';

/** @param header value of the Authorization header */
export async function verifyToken(header: string | undefined, key: string, nowMs: number): Promise<Result<TokenHolder, AuthFailure>> {
  if (header === undefined || header === '') return err('missing');
  if (header.length > MAX_HEADER_LENGTH) return err('malformed');
  const token = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i.exec(header)?.[1];
  if (token === undefined) return err('malformed');
  let claims: unknown;
  try {
    // Times are checked below: after the signature, so that a forged token learns nothing, and by the clock given.
    claims = await verify(token, key, { alg: ALGORITHM, exp: false, nbf: false, iat: false });
  } catch (error) {
    // The error's message holds the token: only its name may be looked at.
    return err(error instanceof Error && error.name === 'JwtTokenSignatureMismatched' ? 'bad_signature' : 'malformed');
  }
  return checkClaims(claims, nowMs);
}

function checkClaims(claims: unknown, nowMs: number): Result<TokenHolder, AuthFailure> {
  if (typeof claims !== 'object' || claims === null) return err('bad_claims');
  const { tenant, sub, exp, nbf, iat } = claims as Readonly<Record<string, unknown>>;
  if (typeof tenant !== 'string' || !NAME.test(tenant) || typeof sub !== 'string' || !NAME.test(sub)) return err('bad_claims');
  // A token without an end could never be got rid of.
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return err('bad_claims');
  if (!isOptionalTime(nbf) || !isOptionalTime(iat)) return err('bad_claims');
  if (exp * 1000 <= nowMs) return err('expired');
  if (nbf !== undefined && nbf * 1000 > nowMs) return err('not_yet_valid');
  return ok({ tenant, device: sub, issuedMs: iat === undefined ? undefined : iat * 1000 });
}

const isOptionalTime = (claim: unknown): claim is number | undefined =>
  claim === undefined || (typeof claim === 'number' && Number.isFinite(claim));

/** Whether a tenant has taken back this token: the device's name is on its list, or the token is older than it allows. */
export function isRevoked(
  { device, issuedMs }: TokenHolder,
  { revokedDevices, tokensNotBeforeMs }: { readonly revokedDevices: ReadonlySet<string>; readonly tokensNotBeforeMs: number | undefined },
): boolean {
  if (revokedDevices.has(device)) return true;
  // Tokens of the time before `iat` was issued do not say how old they are, so they are too old.
  return tokensNotBeforeMs !== undefined && (issuedMs ?? Number.NEGATIVE_INFINITY) < tokensNotBeforeMs;
}

/**
 * What the sender is told. All bad tokens get the same words, so that nothing can be learned by trying; only an expired one is
 * named, because its holder once had a good one and must know what to do.
 */
export function describeAuthFailure(failure: AuthFailure): string {
  switch (failure) {
    case 'missing':
      return 'no token: expected the header "Authorization: Bearer TOKEN"';
    case 'expired':
      return 'the token has expired: get a new one';
    case 'malformed':
    case 'bad_signature':
    case 'not_yet_valid':
    case 'bad_claims':
    case 'wrong_user':
    case 'revoked':
    case 'unknown_tenant':
      return 'the token is not valid';
  }
}
