import { FormatError } from '../../contract/binary.ts';
import {
  type AnswerCode,
  decodeAnswer,
  isPlain,
  PUSH_CONTENT_TYPE,
  PUSH_PATH,
  type Push,
  type PushAnswer,
  TABLE_PATH,
} from '../../contract/push.ts';
import { parseRetryAfter } from '../../contract/retry-after.ts';
import type { SeriesTable } from '../../contract/series-table.ts';
import { encodeTableForm } from '../../contract/table-form.ts';
import { type Clock, type HttpClient, HttpError, type HttpFailure, type HttpResponse } from '../model.ts';
import type { Exchange } from './clock-correction.ts';

/** Requests to the edge, and which answers are believed: a captive portal says 200 too, a firewall 403, a proxy 400. */

export type Compress = (bytes: Uint8Array) => Promise<Uint8Array>;

export interface EdgeClientOptions {
  readonly http: HttpClient;
  /** Without a trailing slash. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly deflate: Compress;
}

export type Outcome =
  /** Of our content type, readable, and naming the request's log_id and position or, where `named` is false, harmless anyway. */
  | {
      readonly kind: 'answer';
      readonly answer: PushAnswer;
      readonly named: boolean;
      readonly retryAfterMs: number | undefined;
      readonly exchange: Exchange;
    }
  /** No answer, or not the edge's: the network's fault, whatever its status says. */
  | {
      readonly kind: 'failed';
      readonly reason: HttpFailure | 'not_the_edge';
      readonly message: string;
      readonly retryAfterMs: number | undefined;
    };

/** Believed without naming the request, since the edge may not have been able to read it: data is kept and the device waits. */
const HARMLESS: ReadonlySet<AnswerCode> = new Set(['unauthorized', 'forbidden', 'too_large', 'busy', 'moved']);
/** An answer is a few hundred bytes; one of 16 points and some thousand hashes stays below. */
const MAX_ANSWER_BYTES = 256 * 1024;

export class EdgeClient {
  readonly #options: EdgeClientOptions;

  constructor(options: EdgeClientOptions) {
    this.#options = options;
  }

  /** @param body the encoded push, deflated where that is shorter */
  async push(push: Pick<Push, 'logId' | 'to'>, body: Uint8Array, signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.#send('POST', PUSH_PATH, body, signal);
    if (outcome.kind === 'failed') return outcome;
    const { answer } = outcome;
    if (answer.logId === push.logId && answer.position === push.to.position) return outcome;
    if (HARMLESS.has(answer.code)) return { ...outcome, named: false };
    const message = `expected an answer that names this push (${push.logId}, ${push.to.position}), got ${answer.code} for ${answer.logId || 'none'}, ${answer.position}: ${answer.message}`;
    return { kind: 'failed', reason: 'not_the_edge', message, retryAfterMs: undefined };
  }

  /** Stores a table unless the edge has it. `stored` in the answer: it has it now. */
  async uploadTable(table: SeriesTable, signal: AbortSignal): Promise<Outcome | 'present'> {
    const path = TABLE_PATH + table.hash;
    // Equal devices have equal tables, so most of them are there already. Any trouble here shows in the PUT as well.
    const head = await this.#request('HEAD', path, undefined, signal).catch(() => undefined);
    if (head?.status === 200 && isOurs(head)) return 'present';
    return this.#send('PUT', path, await this.#options.deflate(encodeTableForm(table.rows)), signal);
  }

  async #send(method: 'POST' | 'PUT', path: string, body: Uint8Array, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#options;
    const sentBootMs = clock.boot();
    let response: HttpResponse;
    try {
      response = await this.#request(method, path, body, signal);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return { kind: 'failed', reason: error.reason, message: this.#explain(error), retryAfterMs: undefined };
    }
    const times = { sentBootMs, receivedBootMs: clock.boot(), receivedWallMs: clock.now() };
    const retryAfterMs = parseRetryAfter(response.headers['retry-after'], clock.now());
    const foreign = (why: string): Outcome => ({
      kind: 'failed',
      reason: 'not_the_edge',
      message: `${this.#options.url} answered ${response.status}, but not as the edge does (${why}). A captive portal, a proxy, or a wrong url?`,
      retryAfterMs,
    });
    if (!isOurs(response)) return foreign(`content type ${JSON.stringify(response.headers['content-type'] ?? '')}`);
    try {
      const answer = decodeAnswer(response.body);
      return { kind: 'answer', answer, named: true, retryAfterMs, exchange: { ...times, edgeMs: answer.edgeMs } };
    } catch (error) {
      if (error instanceof FormatError) return foreign(error.message);
      throw error;
    }
  }

  #request(method: 'HEAD' | 'POST' | 'PUT', path: string, body: Uint8Array | undefined, signal: AbortSignal): Promise<HttpResponse> {
    const { http, url, timeoutMs } = this.#options;
    const headers: Record<string, string> = { accept: PUSH_CONTENT_TYPE };
    if (body !== undefined) {
      headers['content-type'] = PUSH_CONTENT_TYPE;
      if (!isPlain(body)) headers['content-encoding'] = 'deflate';
    }
    return http.request({
      method,
      url: url + path,
      headers,
      ...(body === undefined ? {} : { body }),
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
      // By its positions and chain.
      repeatable: true,
    });
  }

  #explain(error: HttpError): string {
    if (error.reason !== 'tls' || !isNotYetValid(error)) return error.message;
    const now = new Date(this.#options.clock.now()).toISOString();
    return `the certificate of ${this.#options.url} is not yet valid: the clock of this device says ${now} and is probably wrong. Set it, or let NTP do so; samples wait in the log until then (${error.message})`;
  }
}

const isOurs = (response: HttpResponse): boolean =>
  (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === PUSH_CONTENT_TYPE;

/** OpenSSL's code, or its words, anywhere in the chain of causes. */
function isNotYetValid(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (('code' in at && at.code === 'CERT_NOT_YET_VALID') || /not yet valid/i.test(at.message)) return true;
  }
  return false;
}
