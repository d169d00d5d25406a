import { err, ok, type Result } from '../../contract/result.ts';
import type { TokenAnswer } from '../../contract/token.ts';
import { signToken, type TokenHolder } from './token.ts';

/** How a tenant renews the tokens of pages. Ms. */
export interface RenewalRules {
  /** Of a renewed token. */
  readonly lifetimeMs: number;
  /** Since the first of a chain of renewed tokens was issued, by whoever holds the key. */
  readonly maxAgeMs: number;
}

export type RenewalRefusal = 'not_configured' | 'no_origins' | 'no_issue_time' | 'max_age';

/**
 * A fresh token for the holder of a good one: same tenant, device and origins. It is as old as the first of its chain, so
 * `tokens_not_before` takes back what a stolen token was exchanged for, and `max_age` ends the chain. Only tokens that name
 * origins are renewed: for any other its `exp` is a promise that it ends.
 */
export async function renewToken(
  { tenant, device, issuedMs, origins }: TokenHolder,
  rules: RenewalRules | undefined,
  key: string,
  nowMs: number,
): Promise<Result<TokenAnswer, RenewalRefusal>> {
  if (rules === undefined) return err('not_configured');
  if (origins === undefined) return err('no_origins');
  if (issuedMs === undefined) return err('no_issue_time');
  const expiresMs = Math.min(nowMs + rules.lifetimeMs, issuedMs + rules.maxAgeMs);
  // The token tells whole seconds.
  const seconds = Math.floor((Math.floor(expiresMs / 1000) * 1000 - nowMs) / 1000);
  if (seconds < 1) return err('max_age');
  const claims = { tenant, device, origins, expiresMs, issuedMs: nowMs, firstIssuedMs: issuedMs };
  return ok({ access_token: await signToken(key, claims), token_type: 'Bearer', expires_in: seconds });
}

export function describeRenewalRefusal(refusal: RenewalRefusal): string {
  switch (refusal) {
    case 'not_configured':
      return 'tokens of this tenant are not renewed (browser_tokens in relay.yml)';
    case 'no_origins':
      return 'expected a token with origins; only such tokens are renewed (npm run token -- --origin)';
    case 'no_issue_time':
      return 'expected a token that says when it was issued (iat)';
    case 'max_age':
      return 'the first of these tokens was issued too long ago (browser_tokens.max_age): a new one is needed';
  }
}
