import type { Logger } from '../model.ts';

/** The process as far as stopping and failing concerns it; tests give an EventEmitter. */
export interface ProcessEvents {
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
}

export interface Running {
  readonly logger: Logger;
  /** Called once; resolves when everything is closed. */
  readonly stop: () => Promise<void>;
  /** Reads the configuration again. */
  readonly reload: () => Promise<unknown>;
  /** Aborted when the end is asked for by other means than a signal. */
  readonly quit?: AbortSignal;
  /** Ends the process now. */
  readonly exit: (code: number) => void;
}

/**
 * Runs until SIGTERM or SIGINT, then stops and resolves to the exit code. A second signal exits at once: the log is made to
 * survive that. SIGHUP reloads. Failures that nobody caught are logged; what they mean for the process, see {@link fatal}.
 */
export async function runUntilSignal(events: ProcessEvents, running: Running): Promise<number> {
  const { logger, exit } = running;
  let stopping = false;
  let finish: (code: number) => void = () => {};
  const finished = new Promise<number>((resolve) => {
    finish = resolve;
  });
  const stop = (code: number): void => {
    stopping = true;
    running.stop().then(
      () => finish(code),
      (cause: unknown) => {
        logger.log('error', 'Stopping failed', { err: cause });
        finish(1);
      },
    );
  };
  const onStop = (signal: unknown): void => {
    if (stopping) {
      logger.log('warn', 'Second signal, exiting at once; what was not pushed waits in the log', { signal });
      exit(1);
      return;
    }
    logger.log('info', 'Received signal, stopping', { signal });
    stop(0);
  };
  const onReload = (): void => {
    running.reload().catch((cause: unknown) => logger.log('error', 'Reload failed', { err: cause }));
  };
  const onRejection = (cause: unknown): void =>
    logger.log('error', 'Unhandled rejection, carrying on', { err: cause, stack: stackOf(cause) });
  const onException = (cause: unknown): void => {
    logger.log('error', 'Uncaught exception', { err: cause, stack: stackOf(cause) });
    if (fatal(cause) && !stopping) stop(1);
  };
  const listeners = [
    ['SIGTERM', onStop],
    ['SIGINT', onStop],
    ['SIGHUP', onReload],
    ['unhandledRejection', onRejection],
    ['uncaughtException', onException],
  ] as const;
  for (const [event, listener] of listeners) events.on(event, listener);
  running.quit?.addEventListener('abort', () => onStop('/-/quit'));
  const code = await finished;
  for (const [event, listener] of listeners) events.off(event, listener);
  return code;
}

/**
 * An error of the system (disk, network) that reached nobody spoils no state, and a device must not stop measuring for a bad
 * card. Anything else is a bug whose effects are unknown: close the log and let the supervisor start afresh.
 */
function fatal(cause: unknown): boolean {
  return !(cause instanceof Error && 'syscall' in cause);
}

const stackOf = (cause: unknown): string | undefined => (cause instanceof Error ? cause.stack : undefined);
