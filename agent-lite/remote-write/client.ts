import { REMOTE_WRITE_HEADERS } from '../../contract/remote-write.ts';
import { parseRetryAfter } from '../../contract/retry-after.ts';
import { type Clock, type HttpClient, HttpError, type HttpFailure, type HttpResponse } from '../model.ts';

/** Requests to a receiver of remote write 1.0, and what its answers mean. */

export interface ClientOptions {
  /** Adds credentials and configured headers. */
  readonly http: HttpClient;
  readonly url: string;
  readonly timeoutMs: number;
  readonly version: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly retryOnHttp429: boolean;
}

export type Answer =
  | { readonly kind: 'done' }
  /** Nothing is known of the data, or the receiver cannot take it now. */
  | { readonly kind: 'retry'; readonly code: string; readonly message: string; readonly afterMs: number | undefined }
  /** For good: the same bytes would be refused again. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly why: Refusal }
  /** The request was given up from our side. */
  | { readonly kind: 'aborted' };

export type Refusal =
  /** The receiver says that a sample is late, repeated or too early; what it does with the others of the request is its own affair. */
  | 'order'
  /** More than it takes at once. */
  | 'too_large'
  /** The good samples of the request were stored (Thanos). */
  | 'partly'
  | 'rate_limited'
  | 'other';

/** Of an answer's body, kept of an error for the log. */
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_WORDS = 512;

/** What Prometheus' TSDB, which Thanos and Mimir share, says of samples. */
const ORDER = /out[ -]of[ -](order|bounds)|duplicate[ -](sample|timestamp)|too old|timestamp-too-old|too far in/i;

export class RemoteWriteClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** @param attempt 0 for the first time that these samples are sent */
  async send(body: Uint8Array, attempt: number, signal: AbortSignal): Promise<Answer> {
    const { http, url, timeoutMs, version } = this.#options;
    const headers: Record<string, string> = { ...REMOTE_WRITE_HEADERS, 'user-agent': `agent-lite/${version}` };
    if (attempt > 0) headers['retry-attempt'] = String(attempt);
    try {
      return this.#judge(await http.request({ method: 'POST', url, headers, body, timeoutMs, maxBytes: MAX_ANSWER_BYTES, signal }));
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      if (error.reason === 'aborted') return { kind: 'aborted' };
      return retry(error.reason, error.message, undefined);
    }
  }

  /** The specification's rules: 5xx is tried again, 4xx but 429 is not; 429 by `retry_on_http_429`. */
  #judge(response: HttpResponse): Answer {
    const { status } = response;
    const code = String(status);
    const message = `${status}: ${wordsOf(response)}`;
    if (status >= 200 && status < 300) {
      if (!isPage(response)) return { kind: 'done' };
      // No receiver answers with a web page; a captive portal does, and has stored nothing.
      return retry(code, `${status} with a web page, as no receiver answers. A captive portal, or a wrong url?`, undefined);
    }
    const afterMs = parseRetryAfter(response.headers['retry-after'], this.#options.clock.now());
    if (status === 429 && this.#options.retryOnHttp429) return retry(code, message, afterMs);
    // A redirect that is not followed says nothing about the data either.
    if (status < 400 || status >= 500) return retry(code, message, afterMs);
    return { kind: 'refused', code, message, why: refusalOf(status, wordsOf(response)) };
  }
}

const retry = (code: HttpFailure | string, message: string, afterMs: number | undefined): Answer => ({
  ...{ kind: 'retry', code, message, afterMs },
});

function refusalOf(status: number, words: string): Refusal {
  if (status === 413) return 'too_large';
  if (status === 409) return 'partly';
  if (status === 429) return 'rate_limited';
  return (status === 400 || status === 422) && ORDER.test(words) ? 'order' : 'other';
}

const isPage = ({ headers, body }: HttpResponse): boolean => body.length > 0 && /^text\/html\b/i.test(headers['content-type'] ?? '');

const wordsOf = ({ body }: HttpResponse): string => new TextDecoder().decode(body.subarray(0, MAX_WORDS)).trim() || 'without a word';
