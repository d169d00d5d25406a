import { type Clock, type HttpClient, HttpError, type HttpRequest, type HttpResponse } from '../model.ts';
import { withDeadline } from './deadline.ts';

export interface WebClientOptions {
  /** Ends requests that take too long. */
  readonly clock: Pick<Clock, 'sleep'>;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Reads a body; undefined where it is longer. */
  readonly readAll: (stream: ReadableStream<Uint8Array<ArrayBuffer>>, maxBytes: number) => Promise<Uint8Array<ArrayBuffer> | undefined>;
  readonly followRedirects: boolean;
  /** Requests with small bodies outlive the page that began them. */
  readonly keepalive: boolean;
}

/** The Fetch standard allows 64 KiB of bodies under way with `keepalive`, for the whole page; half of that leaves room for others. */
export const KEEPALIVE_BYTES = 32 * 1024;

/**
 * An HTTP client over `fetch`. Sends no cookies and no referrer and reads from no cache. A browser does not tell a page why a
 * request to another origin failed: no network, no server, a bad certificate, and an answer without CORS headers look the same.
 */
export function createWebClient(options: WebClientOptions): HttpClient {
  function begin(request: HttpRequest, signal: AbortSignal, keepalive: boolean): Promise<Response> {
    return options.fetch(request.url, {
      method: request.method,
      headers: { ...request.headers },
      ...(request.body === undefined ? {} : { body: new Uint8Array(request.body) }),
      ...{ signal, keepalive, credentials: 'omit', referrerPolicy: 'no-referrer' },
      // Elsewhere it would make a browser forget, too, that it may send here, and ask (CORS preflight) before each request.
      cache: request.method === 'GET' ? 'no-store' : 'default',
      redirect: options.followRedirects ? 'follow' : 'error',
    });
  }

  async function send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    if (signal.aborted) throw signal.reason;
    const keepalive = options.keepalive && (request.body?.length ?? 0) <= KEEPALIVE_BYTES;
    try {
      // It may fail for no other reason than that scripts of the page use up the quota, which looks as if there were no network.
      const response = await begin(request, signal, keepalive).catch((cause: unknown) => {
        if (!keepalive || signal.aborted) throw cause;
        return begin(request, signal, false);
      });
      const body = await bodyOf(response, request);
      return { status: response.status, headers: Object.fromEntries(response.headers), body };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (cause instanceof HttpError) throw cause;
      const text = cause instanceof Error ? cause.message : String(cause);
      const { origin } = new URL(request.url);
      throw new HttpError(
        'network',
        `${text}: ${origin} cannot be reached, or does not allow this page's origin by CORS; the browser's console knows which`,
        { cause },
      );
    }
  }

  async function bodyOf(response: Response, { maxBytes }: HttpRequest): Promise<Uint8Array> {
    if (response.body === null) return new Uint8Array(0);
    const limit = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes;
    const body = await options.readAll(response.body, limit);
    if (body === undefined) throw new HttpError('too_large', `expected at most ${maxBytes} bytes, got more`);
    return body;
  }

  return {
    request: (request) =>
      withDeadline(request, options.clock, (ended) => {
        const fetching = new AbortController();
        ended.addEventListener('abort', () => fetching.abort(ended.reason));
        return send(request, fetching.signal);
      }),
    close() {},
  };
}
