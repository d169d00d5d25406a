import type { Clock, Outlet } from '../model.ts';
import type { Counters } from './counters.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DrainRow, LaneCursor, Ledger } from './ledger.ts';
import type { UnitLimits, UnitReader } from './unit.ts';

/** What a {@link Lane} is made of. */
export interface LaneOptions {
  readonly lane: number;
  /** As it was found. */
  readonly row: DrainRow;
  /** Where it ends; absent: it never does. */
  readonly before?: LaneCursor;
  /** The receiver took something, and all before the cursor is done: the lane may be sent elsewhere. */
  readonly onPassed?: () => void;
  readonly limits: UnitLimits;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** How long a POST that could hold more waits for it, ms after the commit of its first fragment. */
  readonly batchSendDeadlineMs: number;
  readonly ledger: Pick<Ledger, 'objectsFrom'>;
  /** Keeps how far the lane is. */
  readonly save: (row: DrainRow) => void;
  readonly reader: UnitReader;
  readonly deadLetters: DeadLetters;
  /** Sends for this lane; requests are counted in `counters`. */
  readonly outlet: (counters: Counters) => Outlet;
  readonly clock: Clock;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Why a lane does not move; for metrics and readiness. */
export interface LaneTrouble {
  readonly kind: 'retrying' | 'stopped' | 'refused';
  readonly status: number;
  readonly words: string;
  readonly sinceMs: number;
}
