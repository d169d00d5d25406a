import { FormatError } from '../../contract/binary.ts';
import { countSamples } from '../../contract/cells.ts';
import { rowCount } from '../../contract/compact-table.ts';
import { labelsKey } from '../../contract/labels.ts';
import { countMasked, decodeMask, type Mask, withoutMasked } from '../../contract/mask.ts';
import type { TargetMask } from '../../contract/push.ts';
import type { SeriesTable, TableHash } from '../../contract/series-table.ts';
import { CellsMemory, type PendingTarget } from './target-batches.ts';

/** Masks remembered; of more, the one told longest ago is forgotten, and its rows travel until the edge tells it anew. */
const MASKS_KEPT = 20_000;

/**
 * Drop push-down, on the device: which rows of each target's table the edge drops, as it said last. They are left out of pushes, never of the
 * log. Lives with the process. Being wrong costs a request, never a sample: the edge checks each mask.
 */
export class Masks {
  readonly #masks = new Map<string, Mask>();
  /** Two Workers with other rules may each call the other's mask wrong: then one push goes without. */
  #refusals = 0;
  /** Rows left out of the last push. */
  rows = 0;

  /** The targets with what is to be left out of them. */
  apply(targets: readonly PendingTarget[]): readonly PendingTarget[] {
    if (this.#refusals > 1) return targets;
    return targets.map((target) => {
      const mask = target.table === undefined ? undefined : this.#masks.get(keyOf(target, target.table));
      return mask === undefined ? target : { ...target, mask };
    });
  }

  /** From an answer to a push of these targets. */
  learn(told: readonly TargetMask[], targets: readonly PendingTarget[], tables: ReadonlyMap<TableHash, SeriesTable>): void {
    for (const { targets: indexes, mask } of told) {
      for (const index of indexes) {
        const target = targets[index];
        const table = target?.table === undefined ? undefined : tables.get(target.table);
        if (target === undefined || table === undefined || !isMaskOf(mask, rowCount(table))) continue;
        const key = keyOf(target, table.hash);
        this.#masks.delete(key);
        if (mask.length > 0) this.#masks.set(key, mask);
      }
    }
    for (const oldest of this.#masks.keys()) {
      if (this.#masks.size <= MASKS_KEPT) break;
      this.#masks.delete(oldest);
    }
  }

  refused(): void {
    this.#refusals++;
  }

  /** These were stored. Returns the samples that were left out of them. */
  stored(targets: readonly PendingTarget[]): number {
    this.#refusals = 0;
    this.rows = 0;
    let samples = 0;
    const memory = new CellsMemory();
    for (const { transpose, mask } of targets) {
      const cells = mask && transpose(memory).cells;
      if (cells === undefined || mask === undefined) continue;
      const masked = decodeMask(mask, cells.rows);
      this.rows += countMasked(masked);
      samples += countSamples(cells) - countSamples(withoutMasked(cells, masked));
    }
    return samples;
  }
}

const keyOf = ({ labels }: PendingTarget, table: TableHash): string => `${table}${labelsKey(labels)}`;

function isMaskOf(mask: Mask, rows: number): boolean {
  try {
    decodeMask(mask, rows);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
