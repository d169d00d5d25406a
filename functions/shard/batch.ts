import type { Point } from '../../contract/push.ts';
import type { CommitRequest, CommitResult, LogCommitRequest } from '../model.ts';
import type { Counters } from './counters.ts';
import type { LaneFragment } from './object-format.ts';
import type { LogPosition } from './positions.ts';

type LogName = Pick<LogCommitRequest, 'device' | 'logId' | 'stream'>;
/** What everybody who waits for a batch is told. */
export type BatchResult = Extract<CommitResult, { kind: 'stored' | 'busy' }>;

/** Requests that become durable together, or not at all. */
export class Batch {
  /** Sequence of its object, once it is being written. */
  seq: number | undefined;
  readonly settled: Promise<BatchResult>;
  readonly #requests: CommitRequest[] = [];
  /** Last record per log, as if this batch were durable. */
  readonly #points = new Map<string, LogName & { point: Point }>();
  readonly #closing = new AbortController();
  #resolve: (result: BatchResult) => void = () => undefined;
  #bytes = 0;
  #fragments = 0;
  #dependent = false;

  constructor() {
    this.settled = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Of the fragments' blocks. */
  get bytes(): number {
    return this.#bytes;
  }

  get requests(): number {
    return this.#requests.length;
  }

  /** Something in it follows a batch that was not durable yet: it fails with that one. */
  get dependent(): boolean {
    return this.#dependent;
  }

  /** Aborts when the batch should not wait for its interval to end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort();
  }

  settle(result: BatchResult): void {
    this.#resolve(result);
  }

  isFull(limit: { readonly bytes: number; readonly fragments: number; readonly requests: number }): boolean {
    return this.#bytes >= limit.bytes || this.#fragments >= limit.fragments || this.#requests.length >= limit.requests;
  }

  add(request: CommitRequest, bytes: number, followsUnsettled: boolean): void {
    this.#requests.push(request);
    if (request.logId !== undefined) {
      const { device, logId, stream, to } = request;
      this.#points.set(logName(request), { device, logId, stream, point: to });
    }
    this.#bytes += bytes;
    this.#fragments += request.fragments.length;
    if (followsUnsettled) this.#dependent = true;
  }

  pendingPoint(log: LogName): Point | undefined {
    return this.#points.get(logName(log))?.point;
  }

  positions(atMs: number): readonly LogPosition[] {
    return [...this.#points.values()].map(({ device, logId, stream, point }) => ({ device, logId, stream, stored: point, atMs }));
  }

  /** Per lane, in the order of arrival, which within a device is the order of its log. */
  laneFragments(lanes: number, laneOf: (device: string) => number): readonly (readonly LaneFragment[])[] {
    const out: LaneFragment[][] = Array.from({ length: lanes }, () => []);
    for (const { device, fragments } of this.#requests) {
      const lane = out[laneOf(device)];
      if (lane === undefined) throw new RangeError(`lane of ${device}: expected below ${lanes}, got ${laneOf(device)}`);
      for (const fragment of fragments) lane.push({ ...fragment, device });
    }
    return out;
  }

  count(counters: Counters): void {
    for (const { fragments, counts } of this.#requests) {
      for (const [name, value] of Object.entries(counts)) counters.add(name, value);
      counters.add('relay_fragments_stored_total', fragments.length);
      for (const { samples, block } of fragments) {
        counters.add('relay_samples_stored_total', samples);
        counters.add('relay_bytes_stored_total', block.length);
      }
    }
  }
}

const logName = ({ device, logId, stream }: LogName): string => `${device}/${logId}/${stream}`;
