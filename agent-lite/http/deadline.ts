import { type Clock, HttpError, type HttpRequest } from '../model.ts';

/**
 * Runs a request under its `timeoutMs` and its signal: `send` gets a signal that aborts at either, with the {@link HttpError} to
 * throw as its reason. It also aborts when `send` is over, which ends the timer.
 */
export async function withDeadline<T>(
  request: HttpRequest,
  clock: Pick<Clock, 'sleep'>,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const abort = (): void => ended.abort(new HttpError('aborted', 'the request was given up'));
  if (request.signal?.aborted) abort();
  request.signal?.addEventListener('abort', abort);
  const timer = clock.sleep(request.timeoutMs, ended.signal).then(() => {
    if (!ended.signal.aborted) ended.abort(new HttpError('timeout', `expected a whole answer within ${request.timeoutMs} ms, got none`));
  });
  try {
    return await send(ended.signal);
  } finally {
    request.signal?.removeEventListener('abort', abort);
    ended.abort(OVER);
    await timer;
  }
}

/** Made once: without a reason, each abort makes an exception with its stack. */
const OVER = new HttpError('aborted', 'the request is over');
