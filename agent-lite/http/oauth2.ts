import type { OAuth2Config } from '../config/types.ts';
import { type Clock, type HttpClient, HttpError, type HttpResponse, type Signal } from '../model.ts';
import { type ReadFile, readSecret } from './secret.ts';

/** Value of the Authorization header. */
export type TokenSource = {
  /** Rejects with {@link HttpError}; messages hold nothing of what the server says but its error code. */
  header(timeoutMs: number, signal: Signal): Promise<string>;
  /** The last token was refused: the next one is fetched anew. */
  forget(): void;
};

/** A token is renewed so long before it expires (golang.org/x/oauth2 `expiryDelta`), ms. */
const EARLY_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Tokens by client credentials (RFC 6749, 4.4), as Prometheus gets them: the client is named by HTTP Basic, and where the
 * server does not take that, in the body. One is used until it expires.
 */
export function createTokenSource(
  config: OAuth2Config,
  client: HttpClient,
  { clock, readFile }: { readonly clock: Pick<Clock, 'boot'>; readonly readFile: ReadFile },
): TokenSource {
  let token: { readonly header: string; readonly untilMs: number } | undefined;
  let inBody = false;

  async function ask(secret: string, timeoutMs: number, signal: Signal): Promise<HttpResponse> {
    const form = new URLSearchParams([['grant_type', 'client_credentials']]);
    if (config.scopes.length > 0) form.set('scope', config.scopes.join(' '));
    for (const [name, value] of config.endpointParams) form.set(name, value);
    const headers: Record<string, string> = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    if (inBody) {
      form.set('client_id', config.clientId);
      form.set('client_secret', secret);
    } else {
      const pair = `${encodeURIComponent(config.clientId)}:${encodeURIComponent(secret)}`;
      headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    const body = new TextEncoder().encode(form.toString());
    return client.request({ method: 'POST', url: config.tokenUrl, headers, body, timeoutMs, maxBytes: MAX_ANSWER_BYTES, signal });
  }

  return {
    async header(timeoutMs, signal) {
      if (token !== undefined && clock.boot() < token.untilMs) return token.header;
      const secret = await readSecret(config.clientSecret, readFile, 'oauth2.client_secret');
      const askedMs = clock.boot();
      try {
        let response = await ask(secret, timeoutMs, signal);
        if (!isGood(response) && !inBody && response.status < 500) {
          inBody = true;
          response = await ask(secret, timeoutMs, signal);
          if (!isGood(response)) inBody = false;
        }
        const { header, lifeMs } = readToken(response);
        token = { header, untilMs: askedMs + lifeMs - EARLY_MS };
        return header;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!(error instanceof HttpError)) throw error;
        throw new HttpError(error.reason, `oauth2.token_url: ${error.message}`, { cause: error });
      }
    },
    forget() {
      token = undefined;
    },
  };
}

const isGood = ({ status }: HttpResponse): boolean => status >= 200 && status < 300;

/** Throws {@link HttpError}. A token that names no end has none. */
function readToken(response: HttpResponse): { readonly header: string; readonly lifeMs: number } {
  const answer = parseAnswer(response);
  if (!isGood(response)) {
    const code = String(answer['error'] ?? '');
    // RFC 6749, 5.2: words such as invalid_client.
    const said = /^[a-z_]{1,40}$/.test(code) ? ` (${code})` : '';
    throw new HttpError('credentials', `expected a token, got HTTP status ${response.status}${said}`);
  }
  const access = answer['access_token'];
  if (typeof access !== 'string' || !/^[\x21-\x7e]+$/.test(access)) {
    throw new HttpError('credentials', 'expected an answer with an access_token, got another one');
  }
  const type = typeof answer['token_type'] === 'string' ? answer['token_type'] : '';
  const seconds = Number(answer['expires_in']);
  return {
    header: `${/^[\w-]+$/.test(type) && type.toLowerCase() !== 'bearer' ? type : 'Bearer'} ${access}`,
    lifeMs: seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY,
  };
}

/** JSON, or what old servers write: a form. */
function parseAnswer({ headers, body }: HttpResponse): Readonly<Record<string, unknown>> {
  const text = new TextDecoder().decode(body);
  if (/^(?:application\/x-www-form-urlencoded|text\/plain)/i.test(headers['content-type'] ?? ''))
    return Object.fromEntries(new URLSearchParams(text));
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
