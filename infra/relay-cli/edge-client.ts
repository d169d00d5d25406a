import { readFile } from 'node:fs/promises';
import type { ListedLetters } from '../../functions/admin/letters.ts';
import { readHttpUrl, UsageError } from '../local/arguments.ts';
import type { Fetch, Rim } from './rim.ts';

export interface EdgeOptions {
  readonly edge: string;
  readonly tokenFile: string | undefined;
}

/** Longer than an edge waits for its receiver (remote_timeout, 30 s by default). */
const TIMEOUT_MS = 120_000;

/** The edge's admin interface. What it refuses is an error with its words. */
export class EdgeClient {
  readonly #base: string;
  readonly #token: string;
  readonly #fetch: Fetch;

  private constructor(base: string, token: string, fetch: Fetch) {
    this.#base = base;
    this.#token = token;
    this.#fetch = fetch;
  }

  static async open({ edge, tokenFile }: EdgeOptions, rim: Pick<Rim, 'env' | 'fetch' | 'localAdminToken'>): Promise<EdgeClient> {
    const url = new URL(readHttpUrl('--edge', edge));
    const local = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
    if (!local && url.protocol !== 'https:') throw new UsageError('--edge: expected https, since the admin token goes along');
    const token = tokenFile === undefined ? (rim.env['ADMIN_TOKEN'] ?? '') : (await readToken(tokenFile)).trim();
    const found = token === '' && tokenFile === undefined && local ? ((await rim.localAdminToken()) ?? '') : token;
    if (!/^[\x21-\x7e]+$/.test(found))
      throw new UsageError(
        `${tokenFile ?? 'ADMIN_TOKEN'}: expected the edge's admin token, got ${found === '' ? 'none' : 'something else'}`,
      );
    return new EdgeClient(`${url.origin}${url.pathname.replace(/\/+$/, '')}/api/v1/admin/dead-letters`, found, rim.fetch);
  }

  list(query: Readonly<Record<string, string>>): Promise<ListedLetters> {
    return this.#ask('GET', `?${new URLSearchParams(query)}`) as Promise<ListedLetters>;
  }

  async showText(id: string): Promise<string> {
    return (await this.#send('GET', `/${id}?format=text`)).text();
  }

  show(id: string): Promise<unknown> {
    return this.#ask('GET', `/${id}`);
  }

  replay(id: string): Promise<unknown> {
    return this.#ask('POST', `/${id}/replay`);
  }

  drop(id: string): Promise<unknown> {
    return this.#ask('DELETE', `/${id}`);
  }

  async #ask(method: string, path: string): Promise<unknown> {
    const answer = (await (await this.#send(method, path)).json()) as { readonly data?: unknown };
    return answer.data;
  }

  /** An answer of 200, or an error. */
  async #send(method: string, path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#token}` };
    let response: Response;
    try {
      response = await this.#fetch(this.#base + path, { method, headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      const { message, cause } = error as Error & { readonly cause?: { readonly message?: string } };
      throw new Error(`${this.#base}: ${cause?.message || message}`, { cause: error });
    }
    if (response.status === 200) return response;
    throw new EdgeRefusal(response.status, refusalWords(response.status, await response.text()));
  }
}

/** The edge answered, and not as hoped for. */
export class EdgeRefusal extends Error {
  override name = 'EdgeRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function readToken(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`--token-file: ${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, { cause });
  }
}

function refusalWords(status: number, body: string): string {
  const words = wordsOf(body);
  if (status === 401) return 'the edge does not take this token: expected its ADMIN_TOKEN';
  if (status === 404 && words === 'no such path')
    return 'the edge has no admin interface: set a token with `wrangler secret put ADMIN_TOKEN`, or it is an older edge or another address';
  return words ?? `the edge answered ${status}`;
}

function wordsOf(body: string): string | undefined {
  try {
    const { error } = JSON.parse(body) as { readonly error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}
