import { type LogId, NO_CHAIN, type Point, type Position } from '../../contract/push.ts';
import type { StreamCursor } from '../model.ts';
import { decodeSmallFile, encodeSmallFile, isPosition, isRecord } from './small-file.ts';

export const CURSORS_FILE = 'cursors.json';
const FORMAT = 1;
const START: Point = { position: 0, chain: NO_CHAIN };

type Streams = readonly StreamCursor[];

/** Of a receiver that takes everything in order. */
export const oneStream = (at: Point): Streams => [{ stream: 0, at, end: undefined }];

/** How far each receiver has acknowledged. Kept in one file; where that is torn or gone, everything in the log is sent again. */
export class Cursors {
  #streams = new Map<string, Streams>();
  #logId: LogId | undefined;

  /** Returns false where there are bytes that cannot be read. */
  load(bytes: Uint8Array | undefined): boolean {
    this.#streams = new Map();
    this.#logId = undefined;
    if (bytes === undefined) return true;
    const value = decodeSmallFile(bytes);
    if (!isRecord(value) || value['format'] !== FORMAT || !Array.isArray(value['cursors'])) return false;
    const read = new Map<string, Streams>();
    for (const entry of value['cursors'] as unknown[]) {
      const streams = readStreams(entry);
      if (!isRecord(entry) || typeof entry['receiver'] !== 'string' || streams === undefined) return false;
      read.set(entry['receiver'], streams);
    }
    this.#streams = read;
    this.#logId = typeof value['log_id'] === 'string' ? value['log_id'] : undefined;
    return true;
  }

  /** Whether they were read from a file of one of these logs, or from one that does not say of which. */
  areOf(logIds: Iterable<LogId>): boolean {
    return this.#logId === undefined || [...logIds].includes(this.#logId);
  }

  forget(): void {
    this.#streams = new Map();
  }

  /** Forgets the receivers of which a stream stands or ends beyond `position`, and says which. */
  forgetBeyond(position: Position): readonly string[] {
    const beyond = [...this.#streams].filter(([, streams]) =>
      streams.some(({ at, end }) => Math.max(at.position, end?.position ?? 0) > position),
    );
    for (const [receiver] of beyond) this.#streams.delete(receiver);
    return beyond.map(([receiver]) => receiver);
  }

  encode(logId: LogId | undefined): Uint8Array<ArrayBuffer> {
    const cursors = [...this.#streams].map(([receiver, streams]) => ({
      receiver,
      // What a version that knows no streams reads: nothing behind it was sent, so nothing is lost to it.
      ...writePoint(slowestOf(streams)),
      ...(isPlain(streams) ? {} : { streams: streams.map(writeStream) }),
    }));
    return encodeSmallFile({ format: FORMAT, ...(logId === undefined ? {} : { log_id: logId }), cursors });
  }

  /** Never empty; the oldest stream first. */
  get(receiver: string): Streams {
    return this.#streams.get(receiver) ?? oneStream(START);
  }

  /** Everything up to here has been acknowledged, whatever of it lies behind as well. */
  slowestPoint(receiver: string): Point {
    return slowestOf(this.get(receiver));
  }

  set(receiver: string, streams: Streams): void {
    this.#streams.set(receiver, streams);
  }

  /** Forgets the others, and says which. */
  retain(receivers: readonly string[]): readonly string[] {
    const dropped = [...this.#streams.keys()].filter((receiver) => !receivers.includes(receiver));
    for (const receiver of dropped) this.#streams.delete(receiver);
    return dropped;
  }

  /** Gives each that has none a cursor at the log's beginning, and says whether there was one such. */
  begin(receivers: readonly string[]): boolean {
    const missing = receivers.filter((receiver) => !this.#streams.has(receiver));
    for (const receiver of missing) this.#streams.set(receiver, oneStream(START));
    return missing.length > 0;
  }

  entries(): Iterable<readonly [receiver: string, streams: Streams]> {
    return this.#streams;
  }

  /** Where streams stand and where they end: records whose chains stay known when the log no longer has them. */
  *points(): Generator<Point> {
    for (const streams of this.#streams.values())
      for (const { at, end } of streams) {
        yield at;
        if (end !== undefined) yield end;
      }
  }

  get size(): number {
    return this.#streams.size;
  }

  /** What every receiver has acknowledged; undefined without receivers. */
  slowest(): Position | undefined {
    let least: Position | undefined;
    for (const streams of this.#streams.values()) {
      const { position } = slowestOf(streams);
      if (least === undefined || position < least) least = position;
    }
    return least;
  }

  furthest(): Point {
    let most = START;
    for (const point of this.points()) if (point.position > most.position) most = point;
    return most;
  }
}

const slowestOf = (streams: Streams): Point =>
  streams.reduce<Point | undefined>((least, { at }) => (least === undefined || at.position < least.position ? at : least), undefined) ??
  START;

const isPlain = (streams: Streams): boolean => streams.length === 1 && streams[0]?.stream === 0;

const writePoint = ({ position, chain }: Point) => ({ position, chain });

const writeStream = ({ stream, at, end }: StreamCursor) => ({
  stream,
  ...writePoint(at),
  ...(end === undefined ? {} : { end: writePoint(end) }),
});

/** undefined: not what {@link Cursors.encode} writes. */
function readStreams(entry: unknown): Streams | undefined {
  const at = readPoint(entry);
  if (!isRecord(entry) || at === undefined) return undefined;
  if (entry['streams'] === undefined) return oneStream(at);
  if (!Array.isArray(entry['streams'])) return undefined;
  const streams: StreamCursor[] = [];
  for (const value of entry['streams'] as unknown[]) {
    const point = readPoint(value);
    if (!isRecord(value) || point === undefined || !isPosition(value['stream'])) return undefined;
    const end = value['end'] === undefined ? undefined : readPoint(value['end']);
    if (value['end'] !== undefined && end === undefined) return undefined;
    streams.push({ stream: value['stream'], at: point, end });
  }
  return faultOf(streams) === undefined ? streams : undefined;
}

function readPoint(value: unknown): Point | undefined {
  if (!isRecord(value)) return undefined;
  const { position, chain } = value;
  return isPosition(position) && typeof chain === 'string' && /^[0-9a-f]{16}$/.test(chain) ? { position, chain } : undefined;
}

/** What is wrong with the streams of a receiver: each but the last has an end beyond where it stands, and numbers ascend. */
export function faultOf(streams: Streams): string | undefined {
  if (streams.length === 0) return 'expected at least one stream, got none';
  for (const [i, { stream, at, end }] of streams.entries()) {
    const before = streams[i - 1];
    if (before !== undefined && before.stream >= stream) return `expected ascending streams, got ${stream} after ${before.stream}`;
    if ((end === undefined) !== (i === streams.length - 1)) return `stream ${stream}: expected an end of all streams but the last`;
    if (end !== undefined && end.position <= at.position)
      return `stream ${stream}: expected an end beyond ${at.position}, got ${end.position}`;
  }
  return undefined;
}
