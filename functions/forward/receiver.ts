import { REMOTE_WRITE_HEADERS } from '../../contract/remote-write.ts';
import { parseRetryAfter } from '../../contract/retry-after.ts';
import type { ReceiverKind } from '../config/types.ts';
import type { Clock, Verdict } from '../model.ts';
import { verdictOf } from './verdict.ts';

/** The part of the platform's fetch that is used here: a global one, a VPC binding's or an mTLS binding's. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>;
export interface FetchInit {
  readonly method: 'POST';
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
  /** A redirect would send the data, and perhaps credentials, somewhere nobody configured. */
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
}

export interface ReceiverOptions {
  readonly url: string;
  readonly kind: ReceiverKind;
  readonly tenant: string;
  /** Empty: none is sent. */
  readonly tenantHeader: string;
  /** Values resolved; they may be secret. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly timeoutMs: number;
  readonly userAgent: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
}

/** Of an error's body. */
const MAX_WORDS_BYTES = 1024;

/** Sends blocks to one receiver for one tenant. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #headers: Record<string, string>;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    const headers: Record<string, string> = {};
    for (const { name, value } of options.headers) headers[name.toLowerCase()] = value;
    // After the configured ones: what the protocol demands, and who the tenant is, cannot be overridden.
    Object.assign(headers, REMOTE_WRITE_HEADERS, { 'user-agent': options.userAgent });
    if (options.tenantHeader !== '') headers[options.tenantHeader.toLowerCase()] = options.tenant;
    this.#headers = headers;
  }

  /** One POST of a snappy block that holds a `WriteRequest`. Never rejects. */
  async send(block: Uint8Array<ArrayBuffer>): Promise<Verdict> {
    const { kind, clock, timeoutMs } = this.#options;
    const abort = new AbortController();
    const answered = new AbortController();
    const startMs = clock.now();
    const took = () => ({ tookMs: clock.now() - startMs });
    const timeout = clock.sleep(timeoutMs, answered.signal).then(() => {
      if (!answered.signal.aborted) abort.abort();
      return 'timeout' as const;
    });
    try {
      const answer = await Promise.race([this.#post(block, abort.signal), timeout]);
      if (answer === 'timeout')
        return { kind: 'retry', status: 0, words: `no answer within ${timeoutMs} ms`, afterMs: undefined, ...took() };
      const verdict: Verdict = { ...verdictOf(answer, kind), ...took() };
      return answer.clockOffsetMs === undefined ? verdict : { ...verdict, clockOffsetMs: answer.clockOffsetMs };
    } catch (error) {
      return { kind: 'retry', status: 0, words: error instanceof Error ? error.message : String(error), afterMs: undefined, ...took() };
    } finally {
      answered.abort();
    }
  }

  async #post(body: Uint8Array<ArrayBuffer>, signal: AbortSignal) {
    const { fetch, url, clock } = this.#options;
    const sentMs = clock.now();
    const response = await fetch(url, { method: 'POST', headers: { ...this.#headers }, body, redirect: 'manual', signal });
    const answeredMs = clock.now();
    return {
      status: response.status,
      clockOffsetMs: clockOffset(response.headers.get('date'), (sentMs + answeredMs) / 2),
      words: await firstWords(response),
      // 0 asks for no wait at all; then the pace is ours.
      retryAfterMs: parseRetryAfter(response.headers.get('retry-after') ?? undefined, clock.now()) || undefined,
    };
  }
}

/** A `Date` has whole seconds: the middle of the second is off by half of one at most. */
function clockOffset(date: string | null, atMs: number): number | undefined {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? undefined : Math.round(ms + 500 - atMs);
}

/** Reads at most {@link MAX_WORDS_BYTES} and drops the rest: an unread body keeps its connection, and there are only six. */
async function firstWords(response: Response): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  if (!response.ok) {
    while (size < MAX_WORDS_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, MAX_WORDS_BYTES - size);
      parts.push(part);
      size += part.length;
    }
  }
  await reader.cancel();
  const decoder = new TextDecoder();
  return (parts.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode()).trim();
}
