import type { Logger, Metrics } from '../model.ts';
import type { DamageNote, LogCounters } from './options.ts';
import { MAX_DAMAGE_NOTED, type Segment } from './segment.ts';

const NOTES = 8;

/** Counts what befalls the log, and tells it to log lines, metrics and the status page alike. */
export class Journal {
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #counters = { written: 0, evicted: 0, damaged: 0, tornBytes: 0, writeErrors: 0, setAsideEvicted: 0 };
  #damage: readonly DamageNote[] = [];

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger;
    this.#metrics = metrics;
  }

  get counters(): LogCounters {
    return { ...this.#counters };
  }

  get damage(): readonly DamageNote[] {
    return this.#damage;
  }

  written(): void {
    this.#counters.written++;
    this.#metrics.add('agent_lite_log_records_total');
  }

  exemplarsDropped(count: number): void {
    if (count > 0) this.#metrics.add('agent_lite_log_exemplars_dropped_total', count);
  }

  metadataRefused(target: string): void {
    this.#metrics.add('agent_lite_log_metadata_dropped_total');
    this.#logger.log('warn', 'the metadata of a target are beyond what can be logged and are left out', { target });
  }

  /** Once for each place. */
  damaged(segment: Segment, offset: number, reason: string): void {
    if (segment.damageAt.has(offset) || segment.damageAt.size >= MAX_DAMAGE_NOTED) return;
    segment.damageAt.add(offset);
    this.#counters.damaged++;
    this.#metrics.add('agent_lite_log_damaged_total');
    this.#damage = [...this.#damage, { segment: segment.name, offset, reason }].slice(-NOTES);
    this.#logger.log('error', 'skipping damage in the log', { segment: segment.name, offset, reason });
  }

  torn(bytes: number): void {
    this.#counters.tornBytes += bytes;
  }

  writeError(error: Error): void {
    this.#counters.writeErrors++;
    this.#metrics.add('agent_lite_log_write_errors_total');
    this.#logger.log('error', 'cannot write the log', { err: error.message });
  }

  /** `lost`: scrape records by receiver that had not acknowledged them; '' where no receiver is known. */
  evicted(segment: Segment, why: string, lost: ReadonlyMap<string, number>): void {
    const most = Math.max(0, ...lost.values());
    this.#counters.evicted += most;
    for (const [receiver, records] of lost) this.#metrics.add('agent_lite_log_evicted_records_total', records, { receiver });
    this.#logger.log('warn', 'removing the oldest log segment', {
      segment: segment.name,
      bytes: segment.bytes,
      records: most,
      reason: why,
    });
  }

  setAsideEvicted(name: string, bytes: number): void {
    this.#counters.setAsideEvicted++;
    this.#metrics.add('agent_lite_log_set_aside_evicted_total');
    this.#logger.log('warn', 'removing the oldest set-aside file', { file: name, bytes });
  }

  log: Logger['log'] = (level, message, fields) => this.#logger.log(level, message, fields);

  gauges(values: { bytes: number; segments: number; unsyncedBytes: number; setAsideBytes: number; memory: boolean }): void {
    this.#metrics.set('agent_lite_log_bytes', values.bytes);
    this.#metrics.set('agent_lite_log_segments', values.segments);
    this.#metrics.set('agent_lite_log_unsynced_bytes', values.unsyncedBytes);
    this.#metrics.set('agent_lite_log_set_aside_bytes', values.setAsideBytes);
    this.#metrics.set('agent_lite_log_in_memory', values.memory ? 1 : 0);
  }
}

/** Runs actions one after another, in the order of the calls. A failed one does not stop the next. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(action);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
