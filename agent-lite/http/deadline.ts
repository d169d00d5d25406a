import { Ending } from '../ending.ts';
import { type Clock, HttpError, type HttpRequest, type Signal } from '../model.ts';

/**
 * Runs a request under its `timeoutMs` and its signal: `send` gets a signal that aborts at either, with the {@link HttpError} to
 * throw as its reason. It also aborts when `send` is over, which ends the timer. Where the request is given up already, nothing is sent.
 */
export async function withDeadline<T>(request: HttpRequest, clock: Pick<Clock, 'sleep'>, send: (signal: Signal) => Promise<T>): Promise<T> {
  const givenUp = (): HttpError => new HttpError('aborted', 'the request was given up');
  if (request.signal?.aborted) throw givenUp();
  const ended = new Ending();
  const abort = (): void => ended.abort(givenUp());
  request.signal?.addEventListener('abort', abort);
  void clock.sleep(request.timeoutMs, ended).then(() => {
    if (!ended.aborted) ended.abort(new HttpError('timeout', `expected a whole answer within ${request.timeoutMs} ms, got none`));
  });
  try {
    return await send(ended);
  } finally {
    request.signal?.removeEventListener('abort', abort);
    ended.abort(OVER);
  }
}

/** Made once: an error takes its stack along. */
const OVER = new HttpError('aborted', 'the request is over');
