import { TOKEN_PATH } from '../../contract/token.ts';
import type { Clock, HttpClient, Logger } from '../model.ts';
import { sha256 } from '../platform/bytes-web.ts';
import { checkToken, type TokenSource } from './token.ts';

/** Between renewals that failed. The first may come while there is no network yet. */
const RETRY_MS = 10_000;
/** After the edge has said that it renews no token of this kind. */
const DENIED_MS = 3_600_000;
const MAX_ANSWER_BYTES = 16 * 1024;

export interface RenewalOptions {
  /** That the page was given. */
  readonly token: string;
  /** Of the edge, without a trailing slash. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly http: HttpClient;
  readonly clock: Pick<Clock, 'boot'>;
  readonly logger: Logger;
  /** Of the last renewed token, for the page's next life; undefined: none is kept. */
  readonly kept: { load(): Promise<string | undefined>; save(token: string): Promise<void> } | undefined;
}

/**
 * A token that the edge exchanges for a fresh one when half of its life is over, or at the first use, since a page does not know
 * how old the one is that it was given. Ages are told by the boot clock: the page's wall clock may be wrong.
 */
export function renewedToken({ token: given, url, timeoutMs, http, clock, logger, kept }: RenewalOptions): TokenSource {
  let token = given;
  let isLoaded = kept === undefined;
  let changes = 0;
  let life: { readonly sinceMs: number; readonly lifetimeMs: number } | undefined;
  let nextTryMs = Number.NEGATIVE_INFINITY;
  let error: string | undefined;
  let renewing: Promise<void> | undefined;

  const isDue = (): boolean => clock.boot() >= nextTryMs && (life === undefined || clock.boot() - life.sinceMs >= life.lifetimeMs / 2);

  async function renew(): Promise<void> {
    const outcome = await exchange(token, { url, timeoutMs, http }).catch((cause: unknown) => ({
      error: cause instanceof Error ? cause.message : String(cause),
      denied: false,
    }));
    if ('error' in outcome) {
      nextTryMs = clock.boot() + (outcome.denied ? DENIED_MS : RETRY_MS);
      if (outcome.error !== error) logger.log('warn', 'The token is not renewed', { err: outcome.error });
      error = outcome.error;
      return;
    }
    token = outcome.token;
    life = { sinceMs: clock.boot(), lifetimeMs: outcome.lifetimeMs };
    error = undefined;
    changes++;
    // Where it cannot be kept, the next life of the page begins with the one that it is given.
    await kept?.save(token).catch(() => undefined);
  }

  return {
    async current() {
      if (!isLoaded) token = (await kept?.load().catch(() => undefined)) ?? given;
      isLoaded = true;
      if (isDue())
        renewing ??= renew().finally(() => {
          renewing = undefined;
        });
      await renewing;
      return token;
    },
    async afterRefusal(refused) {
      if (token !== refused) return token;
      if (refused === given) return undefined;
      // What was kept is of no use any more; the page may have been given another since.
      token = given;
      life = undefined;
      nextTryMs = Number.NEGATIVE_INFINITY;
      changes++;
      return token;
    },
    version: async () => String(changes),
    status: () => ({
      ageMs: life === undefined ? undefined : clock.boot() - life.sinceMs,
      endsInMs: life === undefined ? undefined : life.sinceMs + life.lifetimeMs - clock.boot(),
      error,
    }),
  };
}

type Exchanged =
  | { readonly token: string; readonly lifetimeMs: number }
  /** `denied`: not for want of a network, and not before somebody changes something. */
  | { readonly error: string; readonly denied: boolean };

async function exchange(token: string, { url, timeoutMs, http }: Pick<RenewalOptions, 'url' | 'timeoutMs' | 'http'>): Promise<Exchanged> {
  const { status, headers, body } = await http.request({
    ...{ method: 'POST', url: url + TOKEN_PATH, timeoutMs, maxBytes: MAX_ANSWER_BYTES },
    headers: { accept: 'application/json', authorization: `Bearer ${token}` },
  });
  const isJson = (headers['content-type'] ?? '').startsWith('application/json');
  const answer: unknown = isJson ? JSON.parse(new TextDecoder().decode(body)) : undefined;
  const told: Readonly<Record<string, unknown>> = typeof answer === 'object' && answer !== null ? { ...answer } : {};
  const { access_token: fresh, expires_in: seconds, error } = told;
  if (status === 200 && typeof seconds === 'number' && seconds > 0) return { token: checkToken(fresh), lifetimeMs: seconds * 1000 };
  // A portal's 403 is no answer of the edge.
  const denied = status === 403 && isJson;
  return { error: `${url}${TOKEN_PATH} answered ${status}${typeof error === 'string' ? `: ${error}` : ''}`, denied };
}

export interface Files {
  readFile(name: string): Promise<Uint8Array | undefined>;
  replaceFile(name: string, bytes: Uint8Array, durable: boolean): Promise<void>;
}

const TOKEN_FILE = 'token.json';

/** The last renewed token, beside the log. It counts only for the page that is given the same token again: another one is a new beginning. */
export function keptToken(files: Files, given: string): NonNullable<RenewalOptions['kept']> {
  const fingerprint = async (): Promise<string> => (await sha256(new TextEncoder().encode(given))).join();
  return {
    async load() {
      const bytes = await files.readFile(TOKEN_FILE);
      const saved: unknown = bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
      if (typeof saved !== 'object' || saved === null || !('token' in saved) || !('given' in saved)) return undefined;
      return saved.given === (await fingerprint()) && typeof saved.token === 'string' ? saved.token : undefined;
    },
    async save(token) {
      await files.replaceFile(TOKEN_FILE, new TextEncoder().encode(JSON.stringify({ given: await fingerprint(), token })), true);
    },
  };
}
