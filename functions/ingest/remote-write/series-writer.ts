import type { BlockWriter } from '../block-writer.ts';
import { backOf, insertsOf, lengthOf, offsetOf } from './label-parts.ts';
import { headerLength, sharedLength, writeHeader } from './plain-layout.ts';
import type { Insert } from './plain-series.ts';

/** How far a copy of three bytes reaches back. */
const MAX_OFFSET = 0xffff;
const FAR = MAX_OFFSET + 1;
/** Shorter copies spare nothing. */
const LEAST_COPY = 5;

/** Where the series of a request stand, in it and in the block that goes out. One request after the other may use it. */
export class Places {
  /** In the request: labels, their end, which is where samples begin, and the end of those. */
  starts = new Int32Array(0);
  labelEnds = new Int32Array(0);
  ends = new Int32Array(0);
  /** Of the labels in the block. */
  places = new Int32Array(0);
  /** Bytes in the block, without tag and length. */
  bodies = new Int32Array(0);
  /** Of the last sample, ms, and the bytes that its time takes. */
  times = new Float64Array(0);
  timeLengths = new Uint8Array(0);
  /** Before which byte of the request each label is put in. */
  insertAt = new Int32Array(0);

  reserve(count: number, inserts: number): void {
    if (count <= this.starts.length && count * inserts <= this.insertAt.length) return;
    const size = Math.max(count, count > this.starts.length ? 2 * this.starts.length : this.starts.length, 2048);
    for (const name of ['starts', 'labelEnds', 'ends', 'places', 'bodies'] as const) this[name] = grown(this[name], new Int32Array(size));
    this.times = grown(this.times, new Float64Array(size));
    this.timeLengths = grown(this.timeLengths, new Uint8Array(size));
    this.insertAt = grown(this.insertAt, new Int32Array(Math.max(this.insertAt.length, size * inserts)));
  }
}

function grown<T extends Int32Array | Float64Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

/** What a writer needs to know of the series that is next. */
export interface ReadSeries {
  readonly start: number;
  readonly labelEnd: number;
  readonly end: number;
  readonly lastMs: number;
  readonly timeLength: number;
}

/**
 * Writes series to a block by the parts of their labels (label-parts.ts). Which part is a copy is known before; here it is only looked
 * whether what it copies is near enough in this block, and what of header, value and time is as in a series before.
 */
export class SeriesWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #inserts: readonly Insert[];
  /** Bytes of the first n labels that are put in. */
  readonly #insertLengths: Int32Array;
  readonly #insertLength: number;
  readonly #at: Places;
  #count = 0;
  /** The first series that is in this block. */
  #first = 0;

  /** @param bytes the request */
  constructor(bytes: Uint8Array, inserts: readonly Insert[], places = new Places()) {
    this.#at = places;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#inserts = inserts;
    this.#insertLengths = new Int32Array(inserts.length + 1);
    inserts.forEach(({ field }, i) => {
      this.#insertLengths[i + 1] = (this.#insertLengths[i] as number) + field.length;
    });
    this.#insertLength = this.#insertLengths[inserts.length] as number;
  }

  /** Bytes of the labels that are put in. */
  get insertLength(): number {
    return this.#insertLength;
  }

  /** Series that were written. */
  get count(): number {
    return this.#count;
  }

  /** Where the series that were written stand in the request. */
  get starts(): Int32Array {
    return this.#at.starts;
  }
  get ends(): Int32Array {
    return this.#at.ends;
  }

  /** What comes next is another block, or something else has come in between. */
  forget(): void {
    this.#first = this.#count;
  }

  /** Writes a series that consists of the parts `[from, to)`. */
  write(out: BlockWriter, { start, labelEnd, end, lastMs, timeLength }: ReadSeries, parts: Uint32Array, from: number, to: number): void {
    const series = this.#count++;
    this.#at.reserve(series + 1, this.#inserts.length);
    const { starts, labelEnds, ends, places, bodies, times, timeLengths, insertAt } = this.#at;
    const inserts = this.#inserts.length;
    const body = end - start + this.#insertLength;
    starts[series] = start;
    labelEnds[series] = labelEnd;
    ends[series] = end;
    bodies[series] = body;
    times[series] = lastMs;
    timeLengths[series] = timeLength;
    const header = headerLength(body);
    let place = out.rawLength + header;
    places[series] = place;
    this.#writeHeader(out, series, parts[from] as number, header);
    const first = this.#first;
    const insertLengths = this.#insertLengths;
    let at = start;
    for (let i = from; i < to; i++) {
      const one = parts[i] as number;
      const own = lengthOf(one);
      const number = insertsOf(one);
      const before = insertLengths[number] as number;
      const length = own > 0 ? own : (insertLengths[number + 1] as number) - before;
      const source = series - backOf(one);
      if (own === 0) insertAt[series * inserts + number] = at;
      const distance = source < series && source >= first ? place - ((places[source] as number) + offsetOf(one) + before) : FAR;
      if (distance <= MAX_OFFSET) out.copy(distance, length);
      else if (own === 0) this.#writeInsert(out, series, number);
      else if (source === series) out.bytes(this.#bytes, at, at + own);
      else this.#writeLikeBefore(out, series, at, own, place);
      at += own;
      place += length;
    }
    this.#writeSamples(out, series, this.#endsLike(out, series, parts[to - 1] as number), place);
  }

  /**
   * Tag and length, which most often stand before what the labels begin as, too. And the time before them: it was written as a copy of the
   * one before it, but makes one copy with what follows where that other series comes after the same time.
   */
  #writeHeader(out: BlockWriter, series: number, first: number, header: number): void {
    const { places, bodies, times, timeLengths } = this.#at;
    const place = places[series] as number;
    const body = bodies[series] as number;
    const source = series - backOf(first);
    if (source < series && source >= this.#first && offsetOf(first) === 0 && lengthOf(first) > 0 && bodies[source] === body) {
      const distance = place - (places[source] as number);
      if (distance <= MAX_OFFSET) {
        const before = source - 1;
        const time = timeLengths[series - 1] as number;
        if (before >= this.#first && times[before] === times[series - 1] && timeLengths[before] === time) out.redirect(distance, time);
        out.copy(distance, header);
        return;
      }
    }
    if (series > this.#first && bodies[series - 1] === body && !out.inLiteral) {
      const distance = place - (places[series - 1] as number);
      if (distance <= MAX_OFFSET) {
        out.copy(distance, header);
        return;
      }
    }
    writeHeader(out, body);
  }

  /** The series that the last part was copied from, if samples are what follows there, too; -1: none. */
  #endsLike(out: BlockWriter, series: number, last: number): number {
    const { labelEnds, ends, places, bodies } = this.#at;
    const source = series - backOf(last);
    if (source >= series || source < this.#first) return -1;
    const samples = (places[source] as number) + (bodies[source] as number) - ((ends[source] as number) - (labelEnds[source] as number));
    return out.copies(out.rawLength - samples) ? source : -1;
  }

  /** Labels that are put in, from the series before. */
  #writeInsert(out: BlockWriter, series: number, insert: number): void {
    const { field } = this.#inserts[insert] as Insert;
    if (series > this.#first) {
      const at = this.#at.insertAt[(series - 1) * this.#inserts.length + insert] as number;
      const distance = out.rawLength - this.#placeOf(series - 1, at, insert);
      if (distance <= MAX_OFFSET) {
        out.copy(distance, field.length);
        return;
      }
    }
    out.bytes(field, 0, field.length);
  }

  /** Bytes of which nothing is known in this block: by what they have in common with the series before, counted from the labels' end. `place`: in the block. */
  #writeLikeBefore(out: BlockWriter, series: number, from: number, length: number, place: number): void {
    const { starts, labelEnds } = this.#at;
    const before = series - 1;
    const end = from + length;
    let at = from;
    if (before >= this.#first) {
      const shift = (labelEnds[series] as number) - (labelEnds[before] as number);
      for (let next = Math.max(from, (starts[before] as number) + shift); next < end; ) {
        if (this.#bytes[next] !== this.#bytes[next - shift]) {
          next++;
          continue;
        }
        const [inserts, to] = this.#insertsBefore(before, next - shift);
        const shared = sharedLength(this.#view, next - shift, next, Math.min(end, to + shift) - next);
        const distance = place + next - from - this.#placeOf(before, next - shift, inserts);
        if (shared >= LEAST_COPY && distance <= MAX_OFFSET) {
          out.bytes(this.#bytes, at, next);
          out.copy(distance, shared);
          at = next + shared;
        }
        next += Math.max(1, shared);
      }
    }
    out.bytes(this.#bytes, at, end);
  }

  /** How many labels are put in before a byte of a series' labels, and where the next one is. */
  #insertsBefore(series: number, at: number): readonly [count: number, next: number] {
    const first = series * this.#inserts.length;
    for (let i = 0; i < this.#inserts.length; i++) {
      const insertAt = this.#at.insertAt[first + i] as number;
      if (insertAt > at) return [i, insertAt];
    }
    return [this.#inserts.length, this.#at.labelEnds[series] as number];
  }

  /** Where a byte of a series' labels stands in the block. */
  #placeOf(series: number, at: number, inserts: number): number {
    return (this.#at.places[series] as number) + at - (this.#at.starts[series] as number) + (this.#insertLengths[inserts] as number);
  }

  /** @param like a series whose labels end as the copy does that was written last, -1: none */
  #writeSamples(out: BlockWriter, series: number, like: number, place: number): void {
    const { labelEnds, ends, places, bodies, times, timeLengths } = this.#at;
    const end = ends[series] as number;
    let at = labelEnds[series] as number;
    if (like >= 0) {
      const from = labelEnds[like] as number;
      const most = Math.min(end - at, (ends[like] as number) - from);
      const shared = sharedLength(this.#view, from, at, most);
      out.copy(place - ((places[like] as number) + (bodies[like] as number) - ((ends[like] as number) - from)), shared);
      at += shared;
    }
    const time = end - (timeLengths[series] as number);
    if (at < time) {
      out.bytes(this.#bytes, at, time);
      at = time;
    }
    if (at === end) return;
    const before = series - 1;
    if (before >= this.#first && times[before] === times[series] && timeLengths[before] === timeLengths[series]) {
      const distance = out.rawLength + end - at - ((places[before] as number) + (bodies[before] as number));
      if (distance <= MAX_OFFSET) {
        out.copy(distance, end - at);
        return;
      }
    }
    out.bytes(this.#bytes, at, end);
  }
}
