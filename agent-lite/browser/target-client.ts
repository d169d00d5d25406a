import { type Clock, type HttpClient, HttpError, type HttpRequest, type HttpResponse } from '../model.ts';
import type { FunctionTarget } from './options.ts';

/** As prom-client and others write it. */
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';
/**
 * Header values of more than 128 bytes, and any header beyond a few, make a browser ask the target for permission first
 * (CORS preflight), which no exporter answers. So this is all that is told a target.
 */
export const PAGE_HEADERS = { accept: 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1' };

/** How targets are scraped from a page: functions are called, the rest is fetched by `http` without need for a preflight. */
export function createTargetClient(
  functions: ReadonlyMap<string, FunctionTarget>,
  http: HttpClient,
  clock: Pick<Clock, 'sleep'>,
): HttpClient {
  return {
    request(request) {
      const target = functions.get(request.url);
      return target === undefined ? http.request(request) : call(target, request, clock);
    },
    close: () => http.close(),
  };
}

/** A function cannot be stopped; one that takes too long goes on, and what it yields is thrown away. */
async function call(
  target: FunctionTarget,
  { timeoutMs, maxBytes, signal }: HttpRequest,
  clock: Pick<Clock, 'sleep'>,
): Promise<HttpResponse> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  signal?.addEventListener('abort', end);
  try {
    const late = clock.sleep(timeoutMs, ended.signal).then((): string => {
      if (signal?.aborted) throw new HttpError('aborted', 'the scrape was given up');
      throw new HttpError('timeout', `expected an exposition within ${timeoutMs} ms, got none`);
    });
    // Where the function was faster, nobody looks at it any more.
    late.catch(() => undefined);
    const text: unknown = await Promise.race([Promise.resolve().then(() => target.metrics()), late]);
    if (typeof text !== 'string') throw new TypeError(`metrics(): expected a string, got ${typeof text}`);
    const body = new TextEncoder().encode(text);
    if (maxBytes > 0 && body.length > maxBytes) throw new HttpError('too_large', `expected at most ${maxBytes} bytes, got ${body.length}`);
    return { status: 200, headers: { 'content-type': target.contentType ?? TEXT_FORMAT }, body };
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}
