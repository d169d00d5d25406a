import { ABSENT, type Cells } from '../../contract/cells.ts';
import type { PushExemplar } from '../../contract/exemplar-codec.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { encodeExemplar, encodeFamily, sampleTime } from '../../contract/remote-write.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import { compareBytes } from '../../contract/series-table.ts';
import type { Fragment } from '../model.ts';
import { addToSketch } from '../series-sketch.ts';
import { countCells, FragmentWriter, type RowExemplar } from './fragments.ts';
import type { DropReason, SeriesEntry } from './labels.ts';
import type { Tally } from './tally.ts';

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
  const writer = new FragmentWriter(options.maxSamplesPerSend);
  const claims = new Claims();
  const dropped = (reason: SampleDrop, samples: number): void => tally.add(`relay_samples_dropped_total{reason="${reason}"}`, samples);
  const droppedExemplars = (reason: SampleDrop | 'no_sample', count: number): void =>
    tally.add(`relay_exemplars_dropped_total{reason="${reason}"}`, count);
  for (const { batch, from, to } of slices(batches)) {
    const { cells, times, entry, owner } = batch;
    for (let row = 0; row < cells.rows; row++) {
      const samples = countCells(cells, row, from, to);
      const given = exemplarsOf(batch, row, from, to);
      const drop = (reason: SampleDrop): void => {
        dropped(reason, samples);
        droppedExemplars(reason, given.length);
      };
      if (samples === 0) {
        droppedExemplars('no_sample', given.length);
        continue;
      }
      const labels = entry.rows[row];
      if (labels === undefined || typeof labels === 'string') {
        drop(labels ?? 'relabel');
        continue;
      }
      const claim = claims.of(labels, entry.hashes[row] as number, owner);
      if (claim === undefined) {
        drop('duplicate_after_relabel');
        continue;
      }
      const removed = keepAscending(batch, row, from, to, claim, options.latestMs);
      dropped('out_of_order', removed.outOfOrder);
      dropped('too_far_in_future', removed.future);
      const exemplars = given.length === 0 ? NO_EXEMPLARS : encodeBesideSamples(given, batch, row);
      droppedExemplars('no_sample', given.length - exemplars.length);
      if (removed.outOfOrder + removed.future === samples) continue;
      tally.add('relay_exemplars_stored_total', exemplars.length);
      if (options.sketch !== undefined) addToSketch(options.sketch, entry.hashes[row] as number);
      writer.add(labels, cells, row, times, from, to, exemplars);
      if (writer.rawBytes > MAX_RAW_BYTES) return err('too_large');
    }
  }
  addMetadata(writer, metadata, newestMs(batches), tally);
  return writer.rawBytes > MAX_RAW_BYTES ? err('too_large') : ok(writer.finish());
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
