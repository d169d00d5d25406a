import type { ScrapeConfig } from '../config/types.ts';
import { type HttpClient, HttpError, type HttpRequest, type HttpResponse, type Signal } from '../model.ts';
import type { ExpositionParser } from './exposition.ts';
import { acceptHeader, parserFor } from './formats.ts';
import type { Target } from './target.ts';
import { parseTextFormat } from './text-format.ts';

/** An exposition as it came. */
export interface Fetched {
  readonly body: Uint8Array;
  /** Chosen by the content type, and loaded if need be; rejects with an ExpositionError where none reads it. */
  readonly parser: () => Promise<ExpositionParser>;
  /** The body is read. */
  readonly release: () => void;
}
/** The body is longer than `body_size_limit`. */
export class BodySizeError extends Error {
  override name = 'BodySizeError';
}
/** Headers of the requests to a target. */
export type HeadersOf = (target: Target, config: ScrapeConfig) => Readonly<Record<string, string>>;
/** Gets one exposition. Rejects with what the status page shows. */
export type Fetch = (signal: Signal) => Promise<Fetched>;

/**
 * The largest exposition read where `body_size_limit` is 0, bytes after decompression. Prometheus has no such bound; a
 * device with little memory needs one.
 */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What Prometheus asks a target for, and tells it. `version`: the agent's. */
export const scrapeHeaders =
  (version: string): HeadersOf =>
  (target, config) => ({
    accept: acceptHeader(config),
    'accept-encoding': config.enableCompression ? 'gzip' : 'identity',
    'user-agent': `agent-lite/${version}`,
    'x-prometheus-scrape-timeout-seconds': String(target.timeoutMs / 1000),
  });

export function fetchHttp(target: Target, config: ScrapeConfig, client: HttpClient, headersOf: HeadersOf): Fetch {
  const limit = config.bodySizeLimit === 0 ? MAX_BODY_BYTES : config.bodySizeLimit;
  const headers = headersOf(target, config);
  const request = async (what: HttpRequest): Promise<HttpResponse> => {
    try {
      return await client.request(what);
    } catch (error) {
      if (!(error instanceof HttpError) || error.reason !== 'too_large') throw error;
      throw new BodySizeError(`body_size_limit: expected less than ${limit} bytes, got more`, { cause: error });
    }
  };
  return async (signal) => {
    const response = await request({
      method: 'GET',
      url: target.url,
      headers,
      timeoutMs: target.timeoutMs,
      // Prometheus refuses a body that is as long as the limit; the client takes one.
      maxBytes: Math.max(1, limit - 1),
      signal,
    });
    if (response.status !== 200) throw new Error(`expected HTTP status 200, got ${response.status}`);
    const contentType = response.headers['content-type'];
    return {
      body: response.body,
      parser: () => parserFor(contentType, config.fallbackScrapeProtocol),
      release: () => response.release?.(),
    };
  };
}

/** No request at all: every scrape fails with this message. */
export const fetchNothing =
  (message: string): Fetch =>
  () =>
    Promise.reject(new Error(message));

/** An exposition made in this process. */
export function fetchOwn(exposition: () => string): Fetch {
  return async () => ({ body: new TextEncoder().encode(exposition()), parser: async () => parseTextFormat, release: () => {} });
}
