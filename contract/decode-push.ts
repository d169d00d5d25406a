import { FormatError } from './binary.ts';
import { isTime } from './cells.ts';
import { ColumnsDecoder } from './decode-columns.ts';
import { decodeLabels, decodeTarget, PushBudget, type UndecodedTargetBatch } from './decode-push-target.ts';
import { type WireLimits, wireLimits } from './limits.ts';
import { type Gap, gapReasons, type Position, PUSH_FORMAT, type Push } from './push.ts';
import { hex, integer } from './push-fields.ts';
import { checkCounts } from './push-scan.ts';
import * as wire from './push-wire.ts';

/** Pushes as the edge reads them: a file of its own, since few devices ever have to. */

export interface UndecodedPush extends Omit<Push, 'targets'> {
  readonly targets: readonly UndecodedTargetBatch[];
}

/**
 * Reads an inflated push. Memory is bounded by `limits` before it is taken.
 * Throws {@link FormatError} with the place; a {@link LimitError} means that less at once may pass.
 *
 * @param decoder of which one push after the other may use the memory
 */
export function decodePush(
  bytes: Uint8Array,
  limits: WireLimits = wireLimits,
  decoder: ColumnsDecoder = new ColumnsDecoder(),
): UndecodedPush {
  checkCounts(bytes, limits);
  let message: wire.PushRequest;
  try {
    message = wire.PushRequest.decode(bytes);
  } catch (cause) {
    throw new FormatError('push: not a protobuf message of the push protocol', { cause });
  }
  if (message.format !== PUSH_FORMAT) throw new FormatError(`push: expected format ${PUSH_FORMAT}, got ${message.format}`);
  const base = { position: integer(message.base, 'base'), chain: hex(message.baseChain, 8, 'base_chain') };
  const to = { position: integer(message.to, 'to'), chain: hex(message.chain, 8, 'chain') };
  if (to.position < base.position) throw new FormatError(`push: "to" ${to.position} lies before "base" ${base.position}`);
  const baseMs = integer(message.baseMs, 'base_ms');
  if (!isTime(baseMs)) throw new FormatError('base_ms: out of range');
  const budget = new PushBudget(limits);
  return {
    logId: hex(message.logId, 16, 'log_id'),
    stream: message.stream,
    base,
    to,
    gaps: message.gaps.map((gap, i) => decodeGap(gap, i, base.position, to.position)),
    clock: {
      wallMs: integer(message.clock?.wallMs, 'clock.wall_ms'),
      bootMs: integer(message.clock?.bootMs, 'clock.boot_ms'),
      offsetMs: integer(message.clock?.offsetMs, 'clock.offset_ms'),
    },
    version: message.version.slice(0, 64),
    backlog: {
      records: integer(message.backlog?.records, 'backlog.records'),
      bytes: integer(message.backlog?.bytes, 'backlog.bytes'),
      oldestMs: integer(message.backlog?.oldestMs, 'backlog.oldest_ms'),
    },
    externalLabels: decodeLabels(message.externalLabels, 'external_labels', limits),
    targets: message.targets.map((target, i) => decodeTarget(target, i, baseMs, budget, limits, decoder)),
  };
}

function decodeGap(gap: wire.Gap, i: number, base: Position, to: Position): Gap {
  const from = integer(gap.from, `gaps[${i}].from`);
  const until = integer(gap.to, `gaps[${i}].to`);
  if (from <= base || until < from || until > to) throw new FormatError(`gaps[${i}]: ${from}..${until} lies outside ${base + 1}..${to}`);
  return { from, to: until, reason: gapReasons[gap.reason] ?? 'unknown' };
}
