import type { LogId, Position } from '../../contract/push.ts';
import { decodeSmallFile, encodeSmallFile, isPosition, isRecord } from './small-file.ts';
import type { SegmentStore } from './store.ts';

/**
 * Positions are never used twice, not even by a log whose end was lost in a power cut after it had been pushed: they are
 * taken from blocks, and a block is written down durably before its first position is used. The next opening starts behind
 * the last block. 65,536 positions are three hours of a hundred targets every 15 s, so this costs next to nothing.
 */
export const POSITIONS_FILE = 'positions.json';
export const BLOCK = 65_536;
const FORMAT = 1;

export interface Reserved {
  /** The log that reserved; helps to read segments whose header is damaged. */
  readonly logId: LogId;
  /** No position up to this one may be given to a new segment at opening. */
  readonly through: Position;
}

const encodeReserved = (reserved: Reserved): Uint8Array<ArrayBuffer> =>
  encodeSmallFile({ format: FORMAT, log_id: reserved.logId, reserved_through: reserved.through });

export function decodeReserved(bytes: Uint8Array | undefined): Reserved | undefined {
  const value = bytes === undefined ? undefined : decodeSmallFile(bytes);
  if (!isRecord(value) || value['format'] !== FORMAT) return undefined;
  const { log_id: logId, reserved_through: through } = value;
  if (typeof logId !== 'string' || !/^[0-9a-f]{32}$/.test(logId) || !isPosition(through)) return undefined;
  return { logId, through };
}

/**
 * The first position of a new segment. `known`: the greatest position in the log and in the cursors. Without a record of
 * what was reserved, one block is jumped: more than a power cut can have taken from between two reservations.
 */
export function firstPosition(known: Position, reserved: Reserved | undefined): Position {
  if (reserved !== undefined) return Math.max(known, reserved.through) + 1;
  return known === 0 ? 1 : known + BLOCK + 1;
}

/** Writes the next block down before its first position is used. */
export class Reservation {
  through: Position = 0;

  async reserve(store: SegmentStore, logId: LogId, through: Position): Promise<void> {
    if (through > this.through) await this.write(store, logId, through + BLOCK - 1);
  }

  async write(store: SegmentStore, logId: LogId, through: Position): Promise<void> {
    await store.replaceFile(POSITIONS_FILE, encodeReserved({ logId, through }), true);
    this.through = through;
  }
}
