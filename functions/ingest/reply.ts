import { FormatError, LimitError } from '../../contract/binary.ts';
import type { AnswerCode, PushAnswer } from '../../contract/push.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Reservation } from './memory-budget.ts';

/** What a handler decided: the answer's fields that it knows. The rest is filled in where the response is made. */
export interface Reply extends Partial<Omit<PushAnswer, 'code'>> {
  readonly code: AnswerCode;
  /** HTTP status where it is not the code's usual one. */
  readonly status?: number;
  /** With `busy`: how long to wait. */
  readonly retryAfterMs?: number;
}

export const SHORT_OF_MEMORY = 'the edge is short of memory';
export const BUSY_RETRY_MS = 5_000;

export const busy = (message: string, retryAfterMs = BUSY_RETRY_MS): Reply => ({ code: 'busy', message, retryAfterMs });

/** Over a limit: a matter of this sender alone, unlike `busy` in general. */
export const limited = (message: string, retryAfterMs: number): Reply => ({ ...busy(message, retryAfterMs), status: 429 });

/** Long enough that a fleet of such devices is no load; an operator has to set a clock right. */
export const DISPUTE_RETRY_MS = 60_000;
export const CLOCKS_DISAGREE =
  'the clocks of edge and receiver differ by minutes and the device agrees with neither: samples are kept until they agree';

export const malformed = (message: string): Reply => ({ code: 'malformed', message });
export const tooLarge = (expected: string): Reply => ({ code: 'too_large', message: `push: expected ${expected}` });

export function take(memory: Reservation, bytes: number): Result<void, Reply> {
  const taken = memory.grow(bytes);
  if (taken === 'taken') return ok(undefined);
  return err(taken === 'busy' ? busy(SHORT_OF_MEMORY) : tooLarge('less at once: the edge has no memory for this much'));
}

/** Decoders throw; what they throw is the sender's fault and becomes an answer. */
export function refusing<T>(decode: () => T): Result<T, Reply> {
  try {
    return ok(decode());
  } catch (error) {
    if (error instanceof LimitError) return err({ code: 'too_large', message: error.message });
    if (error instanceof FormatError) return err(malformed(error.message));
    throw error;
  }
}
