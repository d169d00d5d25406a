import { type Clock, type HttpClient, HttpError } from '../model.ts';

/** Where the tokens of an agent in a page come from. */
export interface TokenSource {
  /** For the next request. Rejects where none is to be had now. */
  current(): Promise<string>;
  /** The edge has refused `token`: another one, where there is one. */
  afterRefusal(token: string): Promise<string | undefined>;
  /** Changes when the token does; looks for another one now and then. For the pusher, while a token is refused. */
  version(): Promise<string>;
  status(): TokenStatus;
}

export interface TokenStatus {
  /** Since this page has got it, ms; undefined: it has not asked for one yet. */
  readonly ageMs: number | undefined;
  /** Until it ends, ms; undefined where the page does not know. */
  readonly endsInMs: number | undefined;
  /** Why the last renewal failed. */
  readonly error: string | undefined;
}

/** Asked for a token; `refused`: the edge does not take the last one, so a kept one is of no use. */
export type AskForToken = (asked: { readonly refused: boolean }) => string | Promise<string>;

/** A refused token is not asked for anew more often. */
const LOOK_MS = 30_000;

/** A newline would end the header. */
export function checkToken(token: unknown): string {
  if (typeof token !== 'string' || !/^[!-~]+$/.test(token))
    throw new TypeError('edgePush.token: expected printable ASCII without spaces, got something else');
  return token;
}

/** Tokens that the page finds for itself. */
export function askedTokens(ask: AskForToken, clock: Pick<Clock, 'boot'>): TokenSource {
  let last: string | undefined;
  let changes = 0;
  let sinceMs = 0;
  let lookedMs = Number.NEGATIVE_INFINITY;
  async function get(refused: boolean): Promise<string> {
    if (refused) lookedMs = clock.boot();
    const token = checkToken(await ask({ refused }));
    if (token !== last) {
      changes++;
      sinceMs = clock.boot();
    }
    last = token;
    return token;
  }
  return {
    current: () => get(false),
    afterRefusal: (token) => get(true).then((fresh) => (fresh === token ? undefined : fresh)),
    async version() {
      if (clock.boot() - lookedMs >= LOOK_MS) await get(true);
      return String(changes);
    },
    status: () => ({ ageMs: last === undefined ? undefined : clock.boot() - sinceMs, endsInMs: undefined, error: undefined }),
  };
}

/** A token that stays what it is. */
export const fixedToken = (token: string): TokenSource => ({
  current: async () => token,
  afterRefusal: async () => undefined,
  version: async () => '',
  status: () => ({ ageMs: undefined, endsInMs: undefined, error: undefined }),
});

/** Adds the token to each request. A refused one is replaced at once, where there is another. */
export function withToken(http: HttpClient, tokens: TokenSource): HttpClient {
  return {
    async request(request) {
      const send = (token: string) => http.request({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } });
      const token = await tokens.current().catch(noToken);
      const response = await send(token);
      if (response.status !== 401) return response;
      const fresh = await tokens.afterRefusal(token).catch(() => undefined);
      return fresh === undefined ? response : send(fresh);
    },
    close: () => http.close(),
  };
}

function noToken(cause: unknown): never {
  throw new HttpError('credentials', `no token: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
