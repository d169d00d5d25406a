import { MAX_STREAMS, type Point } from '../../contract/push.ts';
import type { Clock, LogReader, StreamCursor } from '../model.ts';
import { Refusals, type RefusalsOptions } from './refusals.ts';
import { SentTimes } from './sent-times.ts';

/** Less than this and a push interval of delay is no reason to leave the order. */
const LATE_MS = 60_000;
/** A backlog grows older while it is sent: what is left of the window must be enough for that. */
const WINDOW_SHARE = 1.1;
const WINDOW_MARGIN_MS = 300_000;

export interface StreamsOptions extends RefusalsOptions {
  readonly clock: Pick<Clock, 'boot'>;
  /** Name of the durable cursor. */
  readonly receiver: string;
  readonly intervalMs: () => number;
}

/** What the process remembers of one stream. */
export interface StreamMemory {
  readonly sentTimes: SentTimes;
  readonly refusals: Refusals;
  /** Uploads of missing tables since a push passed. */
  tableRounds: number;
}

/**
 * The log as it is sent: one stream, in order. After an outage, and where the receiver takes late samples, the backlog is left to
 * that stream and a new one begins at the log's end: it goes first once a push interval, the backlog in between. Where each
 * stands and ends is in the log's durable cursor, changed in one piece; so whatever the process is killed at, the streams
 * together cover the log once.
 */
export class Streams {
  readonly #o: StreamsOptions;
  readonly #memories = new Map<number, StreamMemory>();
  /** When the newest stream had sent all it had, boot clock; undefined: it is due. */
  #freshBootMs: number | undefined;

  constructor(options: StreamsOptions) {
    this.#o = options;
  }

  /** The oldest first. */
  all(): readonly StreamCursor[] {
    return this.#o.reader.streams(this.#o.receiver);
  }

  /** The one that goes on with the log. */
  main(): StreamCursor {
    const main = this.all().at(-1);
    if (main === undefined) throw new Error('a receiver without streams');
    return main;
  }

  memory({ stream }: StreamCursor): StreamMemory {
    let memory = this.#memories.get(stream);
    if (memory === undefined) {
      memory = { sentTimes: new SentTimes(), refusals: new Refusals(this.#o), tableRounds: 0 };
      this.#memories.set(stream, memory);
    }
    return memory;
  }

  /** Those of which the next push may be, the first that has something is it. */
  inTurn(): readonly StreamCursor[] {
    const { reader, clock, intervalMs } = this.#o;
    const main = this.main();
    const behind = this.all().filter((stream) => stream !== main)[0];
    const unsent = reader.head().position > main.at.position;
    if (behind === undefined) return unsent ? [main] : [];
    const due = this.#freshBootMs === undefined || clock.boot() - this.#freshBootMs >= intervalMs();
    return unsent && due ? [main, behind] : [behind];
  }

  /** The newest stream has sent all it had, or has more at once. */
  freshSent(more: boolean): void {
    this.#freshBootMs = more ? undefined : this.#o.clock.boot();
  }

  /** The next push is of the newest stream, if that has anything. */
  freshNow(): void {
    this.#freshBootMs = undefined;
  }

  /** Durable before it resolves, as far as the log's sync policy says. A stream that reaches its end is done with. */
  async move({ stream }: StreamCursor, to: Point): Promise<void> {
    const { reader, receiver } = this.#o;
    const isDone = ({ end }: StreamCursor): boolean => end !== undefined && to.position >= end.position;
    const next = this.all().flatMap((known) => (known.stream !== stream ? [known] : isDone(known) ? [] : [{ ...known, at: to }]));
    await reader.moveStreams(receiver, next);
    for (const number of [...this.#memories.keys()]) if (!next.some((known) => known.stream === number)) this.#memories.delete(number);
  }

  /**
   * Leaves what is unsent to its stream and begins a new one at the log's end, where that is worth it and allowed.
   *
   * @param ageMs of the oldest unsent record
   * @param windowMs how old samples may be that come behind newer ones
   * @returns whether it did
   */
  async jump(ageMs: number, windowMs: number): Promise<boolean> {
    const { reader, receiver, intervalMs } = this.#o;
    if (ageMs <= LATE_MS + intervalMs() || ageMs * WINDOW_SHARE + WINDOW_MARGIN_MS > windowMs) return false;
    const all = this.all();
    const main = this.main();
    const head = reader.head();
    if (all.length >= MAX_STREAMS || head.position <= main.at.position) return false;
    const fresh: StreamCursor = { stream: main.stream + 1, at: head, end: undefined };
    await reader.moveStreams(receiver, [...all.slice(0, -1), { ...main, end: head }, fresh]);
    // What was sent of a target is before whatever the new stream has of it.
    this.memory(fresh).sentTimes.copy(this.memory(main).sentTimes);
    this.#freshBootMs = undefined;
    return true;
  }
}

/** What the edge has not acknowledged, over all streams. */
export interface Backlog {
  readonly records: number;
  readonly bytes: number;
  /** Wall time of the oldest, ms. */
  readonly oldestMs: number | undefined;
  /** Of the records, those that come behind fresh ones. */
  readonly behindRecords: number;
}

export function backlogOf(reader: LogReader, receiver: string): Backlog {
  let records = 0;
  let bytes = 0;
  let behindRecords = 0;
  let oldestMs: number | undefined;
  for (const { at, end } of reader.streams(receiver)) {
    const after = reader.backlog(at.position);
    const beyond = end === undefined ? { records: 0, bytes: 0 } : reader.backlog(end.position);
    const own = Math.max(0, after.records - beyond.records);
    if (own > 0) oldestMs ??= after.oldestMs;
    records += own;
    bytes += Math.max(0, after.bytes - beyond.bytes);
    if (end !== undefined) behindRecords += own;
  }
  return { records, bytes, oldestMs, behindRecords };
}
