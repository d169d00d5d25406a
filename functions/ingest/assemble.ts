import { ABSENT, type Cells } from '../../contract/cells.ts';
import type { PushExemplar } from '../../contract/exemplar-codec.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { encodeExemplar, encodeFamily, sampleTime } from '../../contract/remote-write.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import { compareBytes } from '../../contract/series-table.ts';
import type { Fragment } from '../model.ts';
import { addToSketch } from '../series-sketch.ts';
import type { BlockWriter } from './block-writer.ts';
import { isExclusive } from './exclusive.ts';
import { countCells, FragmentWriter, type RowExemplar } from './fragments.ts';
import type { DropReason } from './labels.ts';
import type { LivingShapes } from './living-shapes.ts';
import type { SeriesEntry } from './series-cache.ts';
import type { Tally } from './tally.ts';
import { DROP_REASONS, KEPT } from './template.ts';
import { ScrapeTimes } from './template-rows.ts';

/** The scrapes of one target against one table, with the labels its series go by. */
export interface Batch {
  /** Same number: same target, same kind of rows. Such batches follow each other in time. */
  readonly owner: number;
  readonly times: readonly number[];
  /** Samples that cannot be forwarded are made absent here. */
  readonly cells: Cells;
  readonly entry: SeriesEntry;
  /** By row, ascending by scrape. */
  readonly exemplars: ReadonlyMap<number, readonly PushExemplar[]>;
}

/**
 * Prometheus and Thanos refuse samples more than an hour behind the newest of the tenant. A push that catches up on hours
 * goes out in slices of time, so that no fragment lies further than this behind one sent before it.
 */
export const SLICE_MS = 30 * 60_000;
/** Bytes of a push's fragments before compression. What crosses to the shard in one call must stay below 32 MiB. */
export const MAX_RAW_BYTES = 24 * 1024 * 1024;

export type SampleDrop =
  | DropReason
  /** At or before a sample of the same series in this push. Only with timestamps of the target's own. */
  | 'out_of_order'
  /** A timestamp of the target's own that lies too far ahead: no clock of ours can put that right. */
  | 'too_far_in_future';

export interface AssembleOptions {
  readonly maxSamplesPerSend: number;
  /** What fragments are made in. */
  readonly block?: BlockWriter;
  /** Keeps what they are made with. */
  readonly shapes?: LivingShapes;
  /** Samples after this are not taken, ms. */
  readonly latestMs: number;
  /** The series that go out are added to it. */
  readonly sketch?: Uint8Array;
}

/**
 * Builds the fragments of a push, in the order in which they must reach the receiver. Exemplars are in the `TimeSeries` of
 * their samples, metadata in the last fragments. Counts what it drops.
 */
export function assemble(
  batches: readonly Batch[],
  metadata: readonly FamilyMetadata[],
  options: AssembleOptions,
  tally: Tally,
): Result<readonly Fragment[], 'too_large'> {
  const writer = new FragmentWriter(options.maxSamplesPerSend, options.block);
  const checked = new CheckedRows(writer, options, tally);
  const exclusive = isExclusive(batches);
  for (const slice of slices(batches)) {
    const { batch, to } = slice;
    const fits =
      exclusive && batch.cells.ownTimes === undefined && batch.exemplars.size === 0 && (batch.times[to - 1] as number) <= options.latestMs
        ? addWhole(writer, slice, options.sketch, tally)
        : checked.add(slice);
    if (!fits) return err('too_large');
  }
  addMetadata(writer, metadata, newestMs(batches), tally);
  if (writer.rawBytes > MAX_RAW_BYTES) return err('too_large');
  const fragments = writer.finish();
  options.shapes?.keep({ writer });
  return ok(fragments);
}

/**
 * Adds the rows of a slice of which it is known that no other has their series, and that their times ascend: nothing is left to be looked
 * at but what the template drops. False: too large.
 */
function addWhole(writer: FragmentWriter, { batch, from, to }: Slice, sketch: Uint8Array | undefined, tally: Tally): boolean {
  const { cells, entry } = batch;
  const { drops } = entry.template;
  const times = new ScrapeTimes(batch.times, from, to);
  const dropped = new Float64Array(DROP_REASONS.length + 1);
  for (let row = 0; row < cells.rows; row++) {
    const samples = countCells(cells, row, from, to);
    if (samples === 0) continue;
    const drop = drops[row] as number;
    if (drop !== KEPT) {
      dropped[drop] = (dropped[drop] as number) + samples;
      continue;
    }
    if (sketch !== undefined) addToSketch(sketch, entry.hash(row));
    writer.addRow(entry, row, cells, times, samples);
    if (writer.rawBytes > MAX_RAW_BYTES) return false;
  }
  DROP_REASONS.forEach((reason, i) => {
    tally.add(`relay_samples_dropped_total{reason="${reason}"}`, dropped[i + 1]);
  });
  return true;
}

/** Adds rows one by one: they may have exemplars, times of their own, or series that others have too. */
class CheckedRows {
  readonly #writer: FragmentWriter;
  readonly #options: AssembleOptions;
  readonly #tally: Tally;
  readonly #claims = new Claims();

  constructor(writer: FragmentWriter, options: AssembleOptions, tally: Tally) {
    this.#writer = writer;
    this.#options = options;
    this.#tally = tally;
  }

  /** False: too large. */
  add({ batch, from, to }: Slice): boolean {
    for (let row = 0; row < batch.cells.rows; row++) {
      this.#addRow(batch, row, from, to);
      if (this.#writer.rawBytes > MAX_RAW_BYTES) return false;
    }
    return true;
  }

  #addRow(batch: Batch, row: number, from: number, to: number): void {
    const { cells, times, entry, owner } = batch;
    const { latestMs, sketch } = this.#options;
    const samples = countCells(cells, row, from, to);
    const given = exemplarsOf(batch, row, from, to);
    if (samples === 0) {
      this.#droppedExemplars('no_sample', given.length);
      return;
    }
    const reason = entry.dropped(row);
    const hash = reason === undefined ? entry.hash(row) : 0;
    const labels = reason === undefined ? entry.labelFields(row) : undefined;
    const claim = labels === undefined ? undefined : this.#claims.of(labels, hash, owner);
    if (labels === undefined || claim === undefined) {
      this.#dropped(reason ?? 'duplicate_after_relabel', samples);
      this.#droppedExemplars(reason ?? 'duplicate_after_relabel', given.length);
      return;
    }
    const removed = keepAscending(batch, row, from, to, claim, latestMs);
    this.#dropped('out_of_order', removed.outOfOrder);
    this.#dropped('too_far_in_future', removed.future);
    const exemplars = given.length === 0 ? NO_EXEMPLARS : encodeBesideSamples(given, batch, row);
    this.#droppedExemplars('no_sample', given.length - exemplars.length);
    if (removed.outOfOrder + removed.future === samples) return;
    this.#tally.add('relay_exemplars_stored_total', exemplars.length);
    if (sketch !== undefined) addToSketch(sketch, hash);
    this.#writer.add(labels, cells, row, times, from, to, exemplars);
  }

  #dropped(reason: SampleDrop, samples: number): void {
    if (samples > 0) this.#tally.add(`relay_samples_dropped_total{reason="${reason}"}`, samples);
  }

  #droppedExemplars(reason: SampleDrop | 'no_sample', count: number): void {
    if (count > 0) this.#tally.add(`relay_exemplars_dropped_total{reason="${reason}"}`, count);
  }
}

const NO_EXEMPLARS: readonly RowExemplar[] = [];
const NONE_GIVEN: readonly PushExemplar[] = [];

const exemplarsOf = ({ exemplars }: Batch, row: number, from: number, to: number): readonly PushExemplar[] =>
  exemplars.get(row)?.filter(({ scrape }) => scrape >= from && scrape < to) ?? NONE_GIVEN;

/** An exemplar without a time of its own has that of its scrape. One whose sample does not go out has nothing to stand beside. */
const encodeBesideSamples = (given: readonly PushExemplar[], { cells, times }: Batch, row: number): readonly RowExemplar[] =>
  given
    .filter(({ scrape }) => cells.states[row * cells.scrapes + scrape] !== ABSENT)
    .map(({ scrape, labels, value, ms }) => ({ scrape, bytes: encodeExemplar(labels, value, ms ?? (times[scrape] as number)) }));

/** Each family once, as remote write 1.0 knows nothing of targets; where two targets tell it differently, both. */
function addMetadata(writer: FragmentWriter, metadata: readonly FamilyMetadata[], atMs: number, tally: Tally): void {
  const seen = new Set<string>();
  for (const family of metadata) {
    const key = JSON.stringify([family.family, family.type, family.unit, family.help]);
    if (seen.has(key)) continue;
    seen.add(key);
    writer.addFamily(encodeFamily(family), atMs);
  }
  tally.add('relay_metadata_stored_total', seen.size);
}

const newestMs = (batches: readonly Batch[]): number => batches.reduce((newest, { times }) => Math.max(newest, times.at(-1) ?? 0), 0);

interface Slice {
  readonly batch: Batch;
  /** Scrapes `from` to `to` (exclusive). */
  readonly from: number;
  readonly to: number;
}

function slices(batches: readonly Batch[]): readonly Slice[] {
  let start = Number.POSITIVE_INFINITY;
  for (const { times } of batches) start = Math.min(start, times[0] ?? start);
  const all: (Slice & { readonly number: number })[] = [];
  for (const batch of batches) {
    const { times } = batch;
    for (let from = 0; from < times.length; ) {
      const number = Math.floor(((times[from] as number) - start) / SLICE_MS);
      let to = from + 1;
      while (to < times.length && Math.floor(((times[to] as number) - start) / SLICE_MS) === number) to++;
      all.push({ batch, from, to, number });
      from = to;
    }
  }
  // The order of batches is kept within a slice: sorting is stable.
  return all.sort((a, b) => a.number - b.number);
}

interface Claim {
  readonly labels: Uint8Array;
  readonly owner: number;
  /** Time of the last sample that went out. */
  lastMs: number;
}

/** Which target a series of this push belongs to: the first that brings it. Also across targets, series must not be equal. */
class Claims {
  readonly #byHash = new Map<number, Claim>();

  /** Undefined where the series is another owner's. */
  of(labels: Uint8Array, hash: number, owner: number): Claim | undefined {
    let key = hash;
    for (let claim = this.#byHash.get(key); claim !== undefined; claim = this.#byHash.get(key)) {
      if (claim.labels === labels || compareBytes(claim.labels, labels) === 0) return claim.owner === owner ? claim : undefined;
      key = (key + 1) | 0;
    }
    const claim: Claim = { labels, owner, lastMs: Number.NEGATIVE_INFINITY };
    this.#byHash.set(key, claim);
    return claim;
  }
}

/** Makes absent what does not come after the series' last sample, or lies after `latestMs`. */
function keepAscending(
  { cells, times }: Batch,
  row: number,
  from: number,
  to: number,
  claim: Claim,
  latestMs: number,
): { readonly outOfOrder: number; readonly future: number } {
  const own = cells.ownTimes?.get(row);
  let outOfOrder = 0;
  let future = 0;
  for (let i = from; i < to; i++) {
    const cell = row * cells.scrapes + i;
    const state = cells.states[cell] as number;
    if (state === ABSENT) continue;
    const time = sampleTime(state, own, times, i);
    if (time > latestMs) {
      future++;
      cells.states[cell] = ABSENT;
    } else if (time <= claim.lastMs) {
      outOfOrder++;
      cells.states[cell] = ABSENT;
    } else {
      claim.lastMs = time;
    }
  }
  return { outOfOrder, future };
}
