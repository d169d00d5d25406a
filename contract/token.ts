/** Exchanges a token for a fresh one: `POST`, the token as bearer, no body. The answer is JSON, as OAuth 2.0 tells tokens (RFC 6749, 5.1). */
export const TOKEN_PATH = '/api/v1/token';

export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
}
