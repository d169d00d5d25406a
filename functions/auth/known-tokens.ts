/** Tokens kept; of one used longest ago the signature is verified again. With the claims some hundred bytes each. */
const MAX_TOKENS = 4096;
/** Longer ones are not kept: what is kept stays within 4 MB, whatever the tokens are. */
const MAX_LENGTH = 512;

/**
 * Claims of tokens whose signature was right, for one key: devices send the same token with every push, and a signature costs more than
 * all else that is looked at of it. Nothing but the signature is taken as known: times, revocation and origins are looked at for each
 * request. Lives as long as the configuration.
 */
export class KnownTokens {
  /** In order of use, the oldest first. By all of a token: to find one here takes the token. */
  readonly #claims = new Map<string, unknown>();

  get(token: string): unknown {
    const claims = this.#claims.get(token);
    if (claims === undefined) return undefined;
    this.#claims.delete(token);
    this.#claims.set(token, claims);
    return claims;
  }

  /** @param claims of a token whose signature was verified just now */
  add(token: string, claims: unknown): void {
    if (token.length > MAX_LENGTH) return;
    this.#claims.set(token, claims);
    for (const oldest of this.#claims.keys()) {
      if (this.#claims.size <= MAX_TOKENS) break;
      this.#claims.delete(oldest);
    }
  }
}
