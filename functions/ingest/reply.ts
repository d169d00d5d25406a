import type { AnswerCode, PushAnswer } from '../../contract/push.ts';

/** What a handler decided: the answer's fields that it knows. The rest is filled in where the response is made. */
export interface Reply extends Partial<Omit<PushAnswer, 'code' | 'edgeMs'>> {
  readonly code: AnswerCode;
  /** HTTP status where it is not the code's usual one. */
  readonly status?: number;
  /** With `busy`: how long to wait. */
  readonly retryAfterMs?: number;
}

export const SHORT_OF_MEMORY = 'the edge is short of memory';
export const BUSY_RETRY_MS = 5_000;

export const busy = (message: string, retryAfterMs = BUSY_RETRY_MS): Reply => ({ code: 'busy', message, retryAfterMs });
