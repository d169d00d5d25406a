import { FormatError } from '../../contract/binary.ts';
import type { Labels } from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { encodePush, type Point, type Push, type PushToEncode } from '../../contract/push.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Clock, LogReader, StreamCursor } from '../model.ts';
import type { Batch } from './batch.ts';
import type { ClockCorrection } from './clock-correction.ts';
import type { Compress } from './edge-client.ts';
import type { Refusal } from './refusals.ts';
import { backlogOf } from './streams.ts';
import { transposed } from './target-batches.ts';

export interface RequestOptions {
  readonly reader: LogReader;
  readonly correction: ClockCorrection;
  readonly clock: Clock;
  readonly deflate: Compress;
  readonly version: string;
  readonly externalLabels: Labels;
  /** Name of the durable cursor. */
  readonly receiver: string;
}

/** One push of one stream, ready to leave. */
export interface PushRequest {
  readonly stream: StreamCursor;
  readonly batch: Batch;
  readonly push: Pick<Push, 'logId' | 'to'>;
  /** Encoded. */
  readonly bytes: Uint8Array;
  /** Deflated where that is shorter. */
  readonly body: Uint8Array;
}

/** A batch as it goes over the wire; an error is what no edge within these limits would take. */
export async function makeRequest(
  stream: StreamCursor,
  batch: Batch,
  options: RequestOptions,
  limits: WireLimits,
): Promise<Result<PushRequest, Refusal>> {
  const push = describe(stream, batch, options);
  let bytes: Uint8Array;
  try {
    bytes = encodePush(push);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof FormatError)) throw error;
    return err({ code: 'malformed', message: error.message });
  }
  const deflated = await options.deflate(bytes);
  const body = deflated.length < bytes.length ? deflated : bytes;
  if (body.length > limits.pushBytes || bytes.length > limits.pushInflatedBytes)
    return err({ code: 'too_large', message: `${body.length} bytes, ${bytes.length} inflated` });
  return ok({ stream, batch, push, bytes, body });
}

function describe({ stream, at }: StreamCursor, batch: Batch, options: RequestOptions): PushToEncode {
  const { reader, receiver, clock, correction, version, externalLabels } = options;
  const { records, bytes, oldestMs } = backlogOf(reader, receiver);
  return {
    logId: reader.logId,
    stream,
    base: at,
    to: batch.to,
    gaps: batch.gaps,
    clock: {
      wallMs: Math.round(clock.now()),
      bootMs: Math.round(clock.boot()),
      offsetMs: correction.appliedMs,
    },
    version,
    backlog: { records, bytes, oldestMs: Math.round(oldestMs ?? 0) },
    externalLabels,
    targets: transposed(batch.targets),
  };
}

/** Asks for the time. */
export const emptyBatch = (at: Point): Batch => ({
  ...{ to: at, gaps: [], targets: [], tables: new Map(), records: 0, cells: 0, samples: 0, dropped: 0 },
  ...{ unplaceable: [], lastTimes: new Map(), metadata: new Map(), tableUses: new Map(), more: false },
});
