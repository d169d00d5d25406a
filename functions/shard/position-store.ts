import type { DevicePositions } from '../model.ts';
import { hashText } from './hash.ts';
import type { Ledger } from './ledger.ts';
import { type LogPosition, Positions } from './positions.ts';

/** Devices are spread over this many rows, so a snapshot writes only those that changed and none comes near 2 MB. */
const BUCKETS = 64;
/** Commits whose positions live in their own rows only. A row per device and commit would cost more than all the rest. */
export const COMMITS_PER_SNAPSHOT = 300;

/** Positions in memory, and how they get into the ledger: each commit's in its row, now and then all changed ones as a snapshot. */
export class PositionStore {
  readonly positions = new Positions();
  readonly #ledger: Ledger;
  readonly #changed = new Set<number>();
  #snapshotSeq: number;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#snapshotSeq = Number(ledger.meta('snapshot_seq') ?? 0);
    for (const bucket of ledger.buckets()) this.positions.restore(bucket);
    this.record(ledger.positionsAfter(this.#snapshotSeq));
  }

  /** Rows up to this commit are not needed for positions any more. */
  get snapshotSeq(): number {
    return this.#snapshotSeq;
  }

  record(positions: readonly LogPosition[]): void {
    for (const position of positions) {
      this.positions.record(position);
      this.#changed.add(bucketOf(position.device));
    }
  }

  /** Takes over positions of devices that are not known here, and makes them durable together with what `also` writes. */
  adopt(devices: readonly DevicePositions[], also: () => void): void {
    this.positions.adopt(devices);
    for (const [device] of devices) this.#changed.add(bucketOf(device));
    this.#write(this.#ledger.newest()?.seq ?? 0, also);
  }

  /** Writes a snapshot when it is due. `seq`: the last commit that {@link record} has seen. */
  snapshot(seq: number, commits = COMMITS_PER_SNAPSHOT): void {
    if (seq - this.#snapshotSeq < commits) return;
    this.#write(seq);
  }

  #write(seq: number, also: () => void = () => undefined): void {
    this.#ledger.transaction(() => {
      for (const bucket of this.#changed) {
        this.#ledger.setBucket(
          bucket,
          this.positions.snapshot((device) => bucketOf(device) === bucket),
        );
      }
      this.#ledger.setMeta('snapshot_seq', String(seq));
      also();
    });
    this.#changed.clear();
    this.#snapshotSeq = seq;
  }
}

const bucketOf = (device: string): number => hashText(device) % BUCKETS;
