/** A short-lived token from the page's own server, kept until shortly before it ends. */
export interface Tokens {
  /** For `edgePush.token`. Rejects where the server cannot be reached; the agent tries again later. */
  get(asked: { readonly refused: boolean }): Promise<string>;
}

interface Answer {
  readonly token: string;
  readonly lifetimeMs: number;
}

/** Renewed so long before its end: a request must not meet the edge with a token that has just ended. */
const MARGIN_MS = 30_000;

export function createTokens(url: string): Tokens {
  let kept: { readonly token: string; readonly until: number } | undefined;
  return {
    async get({ refused }) {
      // Not the wall clock: a kiosk's may be wrong, and set at any time.
      if (kept !== undefined && !refused && performance.now() < kept.until) return kept.token;
      const answer = await fetch(url, { method: 'POST' });
      if (!answer.ok) throw new Error(`${url}: expected a token, got ${answer.status}`);
      const { token, lifetimeMs } = (await answer.json()) as Answer;
      kept = { token, until: performance.now() + lifetimeMs - MARGIN_MS };
      return token;
    },
  };
}
