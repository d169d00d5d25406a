import { sign, verify } from 'hono/jwt';
import { isOrigin } from '../../contract/origin.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Identity } from '../model.ts';
import type { KnownTokens } from './known-tokens.ts';

/**
 * Device tokens: JSON Web Tokens (RFC 7519) signed with HS256. Claims: `tenant`, `sub` (the device) and `exp` (seconds since
 * 1970), all required, and `iat` (when it was issued), by which a tenant's older tokens can be refused together. Tokens for
 * pages name the `origins` that may use them, and renewed ones tell by `orig_iat` when the first of them was issued. Replaying
 * a push is harmless: what is stored is not stored twice.
 */

const ALGORITHM = 'HS256';
/** Names become parts of object keys and of Durable Object names, so nothing that separates or escapes may be in them. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Longer headers are refused before anything is decoded. */
const MAX_HEADER_LENGTH = 4096;
const MAX_ORIGINS = 16;

export const isIdentityName = (text: string): boolean => NAME.test(text);

export interface TokenClaims extends Identity {
  /** Ms since 1970; stored in whole seconds. */
  readonly expiresMs: number;
  /** Ms since 1970; stored in whole seconds. */
  readonly issuedMs?: number;
  /** Of a renewed token: when the first was issued. */
  readonly firstIssuedMs?: number;
  /** Where it may be used from; undefined: from anywhere. */
  readonly origins?: readonly string[];
}
/** Who a good token names. */
export interface TokenHolder extends Identity {
  /** When it, or the first that it was renewed from, was issued; ms since 1970; undefined: the token does not say. */
  readonly issuedMs: number | undefined;
  /** Requests have to come from one of them; undefined: from anywhere. */
  readonly origins: readonly string[] | undefined;
}

/** Signs a token. Throws RangeError for names or a time that {@link verifyToken} would refuse. */
export async function signToken(key: string, claims: TokenClaims): Promise<string> {
  for (const name of ['tenant', 'device'] as const) {
    if (!isIdentityName(claims[name])) throw new RangeError(`${name}: expected ${NAME.source}, got ${JSON.stringify(claims[name])}`);
  }
  const { tenant, device, expiresMs, issuedMs, firstIssuedMs, origins } = claims;
  if (origins !== undefined && !isOriginList(origins))
    throw new RangeError(`origins: expected 1 to ${MAX_ORIGINS} such as https://kiosk.example.com, got ${JSON.stringify(origins)}`);
  for (const [name, ms] of Object.entries({ expiresMs, issuedMs, firstIssuedMs })) {
    if (ms !== undefined && !Number.isSafeInteger(ms)) throw new RangeError(`${name}: expected ms since 1970, got ${ms}`);
  }
  const issued = issuedMs === undefined ? {} : { iat: Math.floor(issuedMs / 1000) };
  const first = firstIssuedMs === undefined ? {} : { orig_iat: Math.floor(firstIssuedMs / 1000) };
  const from = origins === undefined ? {} : { origins: [...origins] };
  return sign({ tenant, sub: device, exp: Math.floor(expiresMs / 1000), ...issued, ...first, ...from }, key, ALGORITHM);
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
  /** The token names origins, and the request comes from none of them. */
  | 'wrong_origin'
  /** The token is right, but its tenant takes no tokens of this device, or none so old. */
  | 'revoked'
  /** The token is right, but its tenant is not configured (any more). */
  | 'unknown_tenant';

/**
 * @param header value of the Authorization header
 * @param known tokens of this key that need no second look at their signature
 */
export async function verifyToken(
  header: string | undefined,
  key: string,
  nowMs: number,
  known?: KnownTokens,
): Promise<Result<TokenHolder, AuthFailure>> {
  const claims = await readClaims(header, key, known);
  return claims.ok ? checkClaims(claims.value, nowMs) : claims;
}

/** The tenant that a token names, good or not any more; undefined where nobody with the key has signed it. */
export async function signedTenant(header: string | undefined, key: string): Promise<string | undefined> {
  const claims = await readClaims(header, key);
  if (!claims.ok || typeof claims.value !== 'object' || claims.value === null || !('tenant' in claims.value)) return undefined;
  const { tenant } = claims.value;
  return typeof tenant === 'string' && NAME.test(tenant) ? tenant : undefined;
}

/** What is in a token whose signature is right. */
async function readClaims(header: string | undefined, key: string, known?: KnownTokens): Promise<Result<unknown, AuthFailure>> {
  if (header === undefined || header === '') return err('missing');
  if (header.length > MAX_HEADER_LENGTH) return err('malformed');
  const token = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i.exec(header)?.[1];
  if (token === undefined) return err('malformed');
  const before: unknown = known?.get(token);
  if (before !== undefined) return ok(before);
  try {
    // Times are checked below: after the signature, so that a forged token learns nothing, and by the clock given.
    const claims: unknown = await verify(token, key, { alg: ALGORITHM, exp: false, nbf: false, iat: false });
    known?.add(token, claims);
    return ok(claims);
  } catch (error) {
    // The error's message holds the token: only its name may be looked at.
    return err(error instanceof Error && error.name === 'JwtTokenSignatureMismatched' ? 'bad_signature' : 'malformed');
  }
}

function checkClaims(claims: unknown, nowMs: number): Result<TokenHolder, AuthFailure> {
  if (typeof claims !== 'object' || claims === null) return err('bad_claims');
  const { tenant, sub, exp, nbf, iat, orig_iat, origins } = claims as Readonly<Record<string, unknown>>;
  if (typeof tenant !== 'string' || !NAME.test(tenant) || typeof sub !== 'string' || !NAME.test(sub)) return err('bad_claims');
  // A token without an end could never be got rid of.
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return err('bad_claims');
  if (!isOptionalTime(nbf) || !isOptionalTime(iat) || !isOptionalTime(orig_iat)) return err('bad_claims');
  // A limit that cannot be read must not become none.
  if (origins !== undefined && !isOriginList(origins)) return err('bad_claims');
  if (exp * 1000 <= nowMs) return err('expired');
  if (nbf !== undefined && nbf * 1000 > nowMs) return err('not_yet_valid');
  const issued = orig_iat ?? iat;
  return ok({ tenant, device: sub, issuedMs: issued === undefined ? undefined : issued * 1000, origins });
}

const isOptionalTime = (claim: unknown): claim is number | undefined =>
  claim === undefined || (typeof claim === 'number' && Number.isFinite(claim));

const isOriginList = (claim: unknown): claim is readonly string[] =>
  Array.isArray(claim) &&
  claim.length > 0 &&
  claim.length <= MAX_ORIGINS &&
  claim.every((origin) => typeof origin === 'string' && isOrigin(origin));

/** Whether a tenant has taken back this token: the device's name is on its list, or the token is older than it allows. */
export function isRevoked(
  { device, issuedMs }: Pick<TokenHolder, 'device' | 'issuedMs'>,
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
    case 'wrong_origin':
    case 'revoked':
    case 'unknown_tenant':
      return 'the token is not valid';
  }
}
