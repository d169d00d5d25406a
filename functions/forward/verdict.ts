import type { ReceiverKind } from '../config/types.ts';
import type { Verdict } from '../model.ts';

export interface Answer {
  readonly status: number;
  /** First bytes of the body, as text. */
  readonly words: string;
  /** From `Retry-After`, ms. */
  readonly retryAfterMs: number | undefined;
}

/** Phrases of the TSDB that Prometheus, Thanos and Mimir share; they come with 400 or 409. */
const REPEAT = /out[ -]of[ -]order|duplicate sample|err-mimir-sample-(out-of-order|duplicate-timestamp)/i;
const LATE = /out of bounds|too old|too far|timestamp-too-old/i;
/** https://grafana.com/docs/mimir/latest/manage/mimir-runbooks/#errors-catalog */
const MIMIR_FAULT = /err-mimir-/i;
const MIMIR_TOO_LARGE = /err-mimir-distributor-max-write-/i;
const DUPLICATE = /duplicate sample for timestamp|err-mimir-sample-duplicate-timestamp/i;

/**
 * The one table of what an answer means. Statuses are not enough: what a receiver does with the rest of a request that it
 * refuses in part depends on its kind.
 * - Thanos commits what is good and answers 409 (also for late data); its 400 is about the whole request. A 409 that only
 *   complains of exemplars (a late one, say) means that all samples are stored. Prometheus drops such exemplars silently.
 * - Prometheus rolls the whole request back at the first refused sample and answers 400.
 * - Mimir commits what is good and answers 400 with the name of the first fault, be it of time, labels or a limit on series
 *   (distributor validation and ingesters alike). What it refuses before it looks at the series has no such name.
 * - VictoriaMetrics refuses only what it cannot read.
 */
export function verdictOf(answer: Answer, kind: ReceiverKind): Verdict {
  const { status, words, retryAfterMs } = answer;
  const cause = { status, words };
  if (status >= 200 && status < 300) return { ...cause, kind: 'done' };
  if (status === 409 && namesOnlyExemplars(words)) return { ...cause, kind: 'done' };
  if (status === 409) return { ...cause, kind: 'partly_refused', onlyRepeats: namesOnlyDuplicates(words) };
  if (status === 400 && kind === 'mimir' && MIMIR_TOO_LARGE.test(words)) return { ...cause, kind: 'shrink' };
  if (status === 400 && kind === 'mimir' && (REPEAT.test(words) || LATE.test(words) || MIMIR_FAULT.test(words)))
    return { ...cause, kind: 'partly_refused', onlyRepeats: namesOnlyDuplicates(words) };
  if (status === 400 || status === 422) {
    const repeat = REPEAT.test(words);
    return { ...cause, kind: 'split', repeat, late: repeat || LATE.test(words) };
  }
  if (status === 413) return { ...cause, kind: 'shrink' };
  if (status === 0 || status === 408 || status === 425 || status === 429 || status >= 500)
    return { ...cause, kind: 'retry', afterMs: retryAfterMs };
  // 401, 403, 404, 405, 415, redirects and whatever nobody foresaw: nothing is decided about the data, so it is kept.
  return { ...cause, kind: 'stop' };
}

/** True only where every clause is about duplicates: words that nobody knows may stand for a loss. */
const namesOnlyDuplicates = (words: string): boolean =>
  everyClause(words, (clause) => DUPLICATE.test(clause) && !/out of|out-of|too /i.test(clause));

/** The same of exemplars, as Thanos Receive counts them: `add 2 exemplars: out of order exemplar`. */
const namesOnlyExemplars = (words: string): boolean => everyClause(words, (clause) => /add \d+ exemplars: [^:]*exemplar/i.test(clause));

function everyClause(words: string, holds: (clause: string) => boolean): boolean {
  const clauses = words.split(/[;\n]|,(?! ?timestamp)/).filter((clause) => /[a-z]/i.test(clause));
  return clauses.length > 0 && clauses.every(holds);
}
