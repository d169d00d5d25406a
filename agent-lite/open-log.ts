import { openLog } from './wal/log.ts';
import { MemoryStore } from './wal/memory-store.ts';
import { defaultLogOptions, type Log, type LogOptions } from './wal/options.ts';
import { type SegmentStore, StoreError } from './wal/store.ts';

export interface OpenedLog {
  readonly log: Log;
  /** Why the log is in memory from the start. */
  readonly unreadable: string | undefined;
}

/**
 * A place that cannot even be read must not stop a device from measuring: its scrapes wait in memory until they are pushed,
 * and the next start tries the place again. Rejects where another agent has it.
 * @param repair what the operator is told to do about the place
 */
export async function openLogOrMemory(store: SegmentStore, repair: string, options: Omit<LogOptions, 'store'>): Promise<OpenedLog> {
  try {
    return { log: await openLog({ ...options, store }), unreadable: undefined };
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    options.logger.log('error', `The log cannot be read, samples wait in memory only; ${repair}`, { err: cause });
    const { limitBytes, memoryLimitBytes } = defaultLogOptions;
    const log = await openLog({
      ...options,
      store: new MemoryStore(),
      limitBytes: Math.min(options.limitBytes ?? limitBytes, memoryLimitBytes),
    });
    return { log, unreadable: cause.message };
  }
}
