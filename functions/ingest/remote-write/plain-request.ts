import type { BlockWriter } from '../block-writer.ts';
import type { SeriesSource } from '../fragments.ts';
import type { SeriesRules } from '../labels.ts';
import { endOfLabels, labelKey } from './label-cache.ts';
import { LabelMemory } from './label-ids.ts';
import { PartList } from './label-parts.ts';
import { Follower, LineupBuilder, type LineupCache } from './lineup.ts';
import { PartFinder, PartWindow } from './part-finder.ts';
import { PlainSeries } from './plain-series.ts';
import { Samples } from './samples.ts';
import { Places, SeriesWriter } from './series-writer.ts';

/** Fewer are not worth an entry. */
const LEAST_SERIES = 16;

/** Memory of plain requests, which use it one after the other, each without a pause. */
export class PlainMemory {
  readonly labels = new LabelMemory();
  readonly window = new PartWindow();
  readonly list = new PartList();
  readonly places = new Places();
}

/** Whose request it is, and what is kept of earlier ones. */
export interface Sender {
  readonly tenant?: string;
  readonly device: string;
  readonly rules: SeriesRules;
  readonly lineups?: LineupCache;
  readonly plain?: PlainMemory;
}

/**
 * The plain series of one request (plain-series.ts). As long as they are those of an earlier request of the sender in their order, they are
 * only compared; from the first that is not on, each is read and held against those before it.
 */
export class PlainRequest implements SeriesSource {
  /** How series are read that are not followed. */
  readonly series: PlainSeries;
  /** Of the series that was read or followed last. */
  readonly #samples = new Samples();
  start = 0;
  labelEnd = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  readonly #sender: Sender;
  readonly #writer: SeriesWriter;
  /** Of all series, from the first that was not followed on; the finder knows of those. */
  readonly #list: PartList;
  readonly #window: PartWindow;
  #finder: PartFinder | undefined;
  #builder: LineupBuilder | undefined;
  /** Of the first series, under which this request can be found. */
  #key: string | undefined;
  #spoiled = false;
  #follower: Follower | undefined;

  private constructor(bytes: Uint8Array, sender: Sender, series: PlainSeries, { list, window, places }: PlainMemory) {
    list.clear();
    this.#list = list;
    this.#window = window;
    this.#bytes = bytes;
    this.#sender = sender;
    this.series = series;
    this.#writer = new SeriesWriter(bytes, series.inserts, places);
  }

  /** undefined: the tenant has rules, and any series may be changed. */
  static of(bytes: Uint8Array, sender: Sender): PlainRequest | undefined {
    const memory = sender.plain ?? new PlainMemory();
    const series = PlainSeries.of(bytes, sender.device, sender.rules, memory.labels);
    return series && new PlainRequest(bytes, sender, series, memory);
  }

  get samples(): number {
    return this.#samples.count;
  }
  get firstMs(): number {
    return this.#samples.firstMs;
  }
  get lastMs(): number {
    return this.#samples.lastMs;
  }
  /** Where the last sample's bytes start in the request; they end with the series. */
  get lastSampleAt(): number {
    return this.#samples.lastAt;
  }
  get timeLength(): number {
    return this.#samples.timeLength;
  }

  get bodyLength(): number {
    return this.end - this.start + this.#writer.insertLength;
  }

  /** Whether the series at `[from, to)` is the one that was there before; it is as plain, and no other one of this request. */
  follow(from: number, to: number): boolean {
    if (this.#key === undefined && !this.#spoiled) this.#begin(from, to);
    if (this.#follower === undefined) return false;
    const labelEnd = this.#follower.labelEnd(this.#writer.count, from, to, this.#writer.starts);
    if (labelEnd < 0 || !this.#samples.read(this.#bytes, labelEnd, to)) return false;
    this.#set(from, labelEnd, to);
    return true;
  }

  /** Nothing is followed from here on. `each` is told of the series that were, as if they had been read. */
  leave(each: (from: number, to: number) => void): void {
    if (this.#follower === undefined) return;
    this.#follower = undefined;
    for (let i = 0; i < this.#writer.count; i++) {
      const from = this.#writer.starts[i] as number;
      const to = this.#writer.ends[i] as number;
      if (!this.read(from, to)) throw new Error('a series that was plain is not');
      this.#find();
      each(from, to);
    }
  }

  /** Reads the series at `[from, to)`. False: it is not plain. */
  read(from: number, to: number): boolean {
    if (!this.series.read(from, to) || !this.#samples.read(this.#bytes, from + this.series.ownLabelLength, to)) return false;
    this.#set(from, from + this.series.ownLabelLength, to);
    return true;
  }

  #set(start: number, labelEnd: number, end: number): void {
    this.start = start;
    this.labelEnd = labelEnd;
    this.end = end;
  }

  write(out: BlockWriter): void {
    if (this.#follower !== undefined) {
      const { parts, ends } = this.#follower.lineup;
      const { count } = this.#writer;
      this.#writer.write(out, this, parts, count === 0 ? 0 : (ends[count - 1] as number), ends[count] as number);
      return;
    }
    const first = this.#list.count;
    this.#find();
    this.#writer.write(out, this, this.#list.parts, first, this.#list.count);
  }

  forget(): void {
    this.#writer.forget();
  }

  /** Not all series go this way, or one comes twice: a later request cannot follow this one. */
  spoil(): void {
    this.#spoiled = true;
  }

  /** All has been added: keeps what can be followed. `sketch`: of that. */
  finish(sketch: Uint8Array): void {
    const { lineups } = this.#sender;
    if (this.followed !== undefined) lineups?.followed(this.#name);
    if (this.#spoiled || this.#key === undefined || this.#builder === undefined || this.#builder.series < LEAST_SERIES) return;
    lineups?.set(this.#key, this.#builder.finish(this.#list, sketch));
  }

  /** The sketch of what was followed, if that was all that there was before. */
  get followed(): Uint8Array | undefined {
    const lineup = this.#follower?.lineup;
    return lineup?.series === this.#writer.count ? lineup.sketch : undefined;
  }

  /** For living-shapes.ts. */
  get shapes(): Readonly<Record<string, object | undefined>> {
    return { finder: this.#finder, builder: this.#builder, follower: this.#follower };
  }

  /** The parts of the series that was read last. */
  #find(): void {
    const { inserts, layout, ids } = this.series;
    if (this.#finder === undefined) {
      this.#finder = new PartFinder(this.#bytes, inserts.length, ids, this.#window);
      if (!this.#spoiled && this.#sender.lineups?.missed(this.#name)) this.#builder = new LineupBuilder(this.#bytes);
    }
    const first = this.#list.count;
    this.#finder.find(layout, this.#list);
    this.#builder?.add(layout.starts[0] as number, this.#list, first);
    this.series.accept();
  }

  get #name(): string {
    return `${this.#sender.tenant ?? ''}/${this.#sender.device}`;
  }

  #begin(from: number, to: number): void {
    const { lineups, tenant = '', device } = this.#sender;
    const end = lineups === undefined ? -1 : endOfLabels(this.#bytes, from, to);
    if (end <= from) {
      this.#spoiled = true;
      return;
    }
    this.#key = labelKey(tenant, device, this.#bytes.subarray(from, end));
    const kept = lineups?.get(this.#key);
    if (kept !== undefined) this.#follower = new Follower(this.#bytes, kept);
  }
}
