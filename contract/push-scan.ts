import { FormatError, LimitError } from './binary.ts';
import type { WireLimits } from './limits.ts';
import { GAPS_PER_PUSH } from './push.ts';
import { toHex } from './series-table.ts';

/**
 * Counts what repeats in a `PushRequest` before it is decoded. An empty label takes two bytes on the wire and some hundred
 * as an object, and deflate shrinks a run of them a thousandfold: without this a small body could take gigabytes.
 */

/** Labels of one push on average per target, beside which {@link WireLimits.labelsPerSeries} holds for each label set. */
const LABELS_PER_TARGET = 16;

const LOG_ID = 2;
const TO = 6;
const GAPS = 8;
const EXTERNAL_LABELS = 13;
const TARGETS = 14;
const TARGET_LABELS = 1;

/** Throws {@link FormatError} where a count is over its limit, or the bytes are not a protobuf message. */
export function checkCounts(bytes: Uint8Array, limits: WireLimits): void {
  let gaps = 0;
  let targets = 0;
  let labels = 0;
  const labelsPerPush = limits.targetsPerPush * LABELS_PER_TARGET;
  const label = (): void => {
    if (++labels > labelsPerPush) throw new LimitError(`push: expected at most ${labelsPerPush} labels in all`);
  };
  fields(bytes, 0, bytes.length, (field, from, to) => {
    if (field === GAPS && ++gaps > GAPS_PER_PUSH) throw new LimitError(`push: expected at most ${GAPS_PER_PUSH} gaps`);
    if (field === EXTERNAL_LABELS) label();
    if (field !== TARGETS) return;
    if (++targets > limits.targetsPerPush) throw new LimitError(`push: expected at most ${limits.targetsPerPush} targets`);
    fields(bytes, from, to, (inner) => {
      if (inner === TARGET_LABELS) label();
    });
  });
}

/**
 * The log_id and the last position of a push that {@link decodePush} refuses: an answer that names them is believed by the
 * device, which then sets the record aside. Without a name it would send the same for ever. undefined: not even that much.
 */
export function readPushName(bytes: Uint8Array): { readonly logId: string; readonly position: number } | undefined {
  let logId = '';
  let position = 0;
  try {
    fields(bytes, 0, bytes.length, (field, from, to, value) => {
      if (field === LOG_ID && to - from === 16) logId = toHex(bytes.subarray(from, to));
      if (field === TO && value !== undefined) position = value;
    });
  } catch (error) {
    // What follows the damage is of no interest: both stand near the start.
    if (!(error instanceof FormatError)) throw error;
  }
  return logId === '' || !Number.isSafeInteger(position) ? undefined : { logId, position };
}

/** `value`: of a varint field. `[from, to)`: of a length-delimited one. */
type Visit = (field: number, from: number, to: number, value: number | undefined) => void;

/** Calls `visit` for each varint field and each length-delimited field of the message in `[start, end)`. */
function fields(bytes: Uint8Array, start: number, end: number, visit: Visit): void {
  let at = start;
  // Beyond 2^53 it is rounded, which no tag or length that passes the checks below is.
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw new FormatError(`push: ends within a field, at offset ${at}`);
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new FormatError(`push: expected a varint of at most 10 bytes before offset ${at}`);
  };
  while (at < end) {
    const tag = varint();
    let size = 0;
    switch (tag & 7) {
      case 0:
        visit(tag >>> 3, at, at, varint());
        break;
      case 1:
        size = 8;
        break;
      case 2:
        size = varint();
        break;
      case 5:
        size = 4;
        break;
      default:
        throw new FormatError(`push: unknown wire type ${tag & 7} before offset ${at}`);
    }
    if (size > end - at) throw new FormatError(`push: expected ${size} more bytes at offset ${at}, got ${end - at}`);
    if ((tag & 7) === 2) visit(tag >>> 3, at, at + size, undefined);
    at += size;
  }
}
