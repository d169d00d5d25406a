import { addTotals, type Totals } from './counters.ts';
import { type DrainRow, FORMER_LANES, type LaneCursor, type Ledger } from './ledger.ts';
import { decodeIndex } from './object-format.ts';
import { END } from './unit.ts';

/** Objects whose rows are read at a time. */
const ROWS = 32;

export interface Placing {
  readonly ledger: Ledger;
  /** Names, in the order of the configuration. */
  readonly receivers: readonly string[];
  readonly lanes: number;
  readonly newestSeq: number;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/**
 * Where each receiver's lanes go on. One that is new gets what is stored from now on. One that is gone from the configuration
 * loses its place, and what it did not get is counted. Written at once: else a new one would start later after each restart.
 */
export function placeDrains({ ledger, receivers, lanes, newestSeq, log }: Placing): ReadonlyMap<string, ReadonlyMap<number, DrainRow>> {
  takeOver(ledger, receivers[0], lanes);
  const known = ledger.drains();
  for (const [receiver, rows] of known) {
    if (receivers.includes(receiver)) continue;
    const dropped = retire(ledger, receiver, rows);
    if (dropped > 0) log('a receiver is gone from the configuration, what it did not get is dropped', { receiver, samples: dropped });
  }
  const added = receivers.filter((receiver) => !placed(known.get(receiver)));
  if (added.length > 0) placeAfter(ledger, added, lanes, newestSeq);
  return ledger.drains();
}

/** All lanes of `receivers` start after the commit `seq`; what was counted before stays. */
export function placeAfter(ledger: Ledger, receivers: readonly string[], lanes: number, seq: number): void {
  const known = ledger.drains();
  ledger.transaction(() => {
    for (const receiver of receivers) {
      fold(ledger, receiver, known.get(receiver) ?? new Map(), {});
      for (let lane = 0; lane < lanes; lane++) ledger.setDrain(receiver, lane, { seq: seq + 1, fragment: 0, behind: [], totals: {} });
    }
  });
}

/** Samples of a lane in the fragments from `from` up to but not `before`. */
export function samplesBetween(ledger: Pick<Ledger, 'objectsFrom'>, lane: number, from: LaneCursor, before: LaneCursor = END): number {
  let samples = 0;
  for (let seq = from.seq; seq <= before.seq; ) {
    const objects = ledger.objectsFrom(seq, ROWS);
    for (const object of objects) {
      if (object.seq > before.seq) break;
      const start = object.seq === from.seq ? from.fragment : 0;
      const end = object.seq === before.seq ? before.fragment : undefined;
      const own = decodeIndex(object.borders).filter((entry) => entry.lane === lane);
      for (const entry of own.slice(start, end)) samples += entry.samples;
    }
    const last = objects.at(-1);
    if (last === undefined || objects.length < ROWS) break;
    seq = last.seq + 1;
  }
  return samples;
}

const placed = (rows: ReadonlyMap<number, DrainRow> | undefined): boolean => [...(rows?.keys() ?? [])].some((lane) => lane >= 0);

/** A shard that served the only receiver there was goes on with it where it stood. */
function takeOver(ledger: Ledger, receiver: string | undefined, lanes: number): void {
  const former = ledger.formerLanes();
  if (former === undefined || receiver === undefined) return;
  const known = placed(ledger.drains().get(receiver));
  ledger.transaction(() => {
    const start: DrainRow = { seq: 0, fragment: 0, behind: [], totals: {} };
    // A lane that never moved had no row.
    for (let lane = 0; !known && lane < lanes; lane++) ledger.setDrain(receiver, lane, former.get(lane) ?? start);
    const rest = [...former].filter(([lane]) => !known && lane >= lanes);
    if (rest.length > 0) fold(ledger, receiver, new Map(rest), {});
    ledger.dropFormerLanes();
  });
}

/** Returns the samples that it did not get. */
function retire(ledger: Ledger, receiver: string, rows: ReadonlyMap<number, DrainRow>): number {
  if (!placed(rows)) return 0;
  let samples = 0;
  for (const [lane, row] of rows) {
    if (lane < 0) continue;
    for (const { from, before } of row.behind) samples += samplesBetween(ledger, lane, from, before);
    samples += samplesBetween(ledger, lane, row);
  }
  ledger.transaction(() =>
    fold(ledger, receiver, rows, samples === 0 ? {} : { 'relay_dropped_samples_total{reason="receiver_removed"}': samples }),
  );
  return samples;
}

/** In place of rows: one with their totals. */
function fold(ledger: Ledger, receiver: string, rows: ReadonlyMap<number, DrainRow>, more: Totals): void {
  const totals: Record<string, number> = { ...more };
  for (const [lane, row] of rows) {
    addTotals(totals, row.totals);
    ledger.deleteDrain(receiver, lane);
  }
  if (Object.keys(totals).length > 0) ledger.setDrain(receiver, FORMER_LANES, { seq: 0, fragment: 0, behind: [], totals });
}
