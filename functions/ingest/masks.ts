import type { UndecodedTargetBatch } from '../../contract/decode-push-target.ts';
import { formatLabels } from '../../contract/labels.ts';
import { decodeMask, encodeMask, type Mask, NO_MASK } from '../../contract/mask.ts';
import type { TargetMask } from '../../contract/push.ts';
import type { LeftOut } from '../model.ts';
import type { SeriesEntry } from './series-cache.ts';
import { KEPT, type Template } from './template.ts';

/** Bytes of all masks of an answer, well below what a device reads of one. What has no room is told with the next answer. */
const MAX_MASK_BYTES = 96 * 1024;
/** Of an index of a target. */
const INDEX_BYTES = 3;
/** Told to the shard for those who look at a device: what leaves things out, not how a large device is made up. */
const MAX_TOLD_TARGETS = 40;
const MAX_TARGET_LENGTH = 200;

/**
 * Drop push-down, on the edge: holds what a push leaves out against what the rules of this very moment drop. A push is taken only
 * if they drop all of it, so leaving rows out never changes what is forwarded, whatever rules the device's mask was made for.
 */
export class MaskCheck {
  readonly #enabled: boolean;
  readonly #right = new Map<Template, Mask>();
  /** By bytes of the mask. */
  readonly #told = new Map<string, { mask: Mask; targets: number[] }>();
  #bytes = 0;
  /** Series left out, by target. */
  readonly #series = new Map<string, number>();
  /** A target of this push leaves out rows that are not dropped. */
  wrong = false;
  /** Cells that the push leaves out. */
  leftOut = 0;

  /** @param enabled otherwise nothing may be left out */
  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** Throws {@link FormatError} where the target's mask does not fit its table. `target`: its index in the push. */
  check(target: number, { mask, times, labels }: UndecodedTargetBatch, { template }: SeriesEntry): void {
    const right = this.#rightMask(template);
    if (mask.length > 0) {
      const masked = decodeMask(mask, template.rows);
      let series = 0;
      for (let row = 0; row < masked.length; row++) {
        if (masked[row] === 0) continue;
        series++;
        if (!this.#enabled || template.drops[row] === KEPT) this.wrong = true;
      }
      this.leftOut += series * times.length;
      this.#series.set(formatLabels(labels).slice(0, MAX_TARGET_LENGTH), series);
    }
    if (!isEqual(mask, right)) this.#tell(target, right);
  }

  /** What the device has to learn: the right masks of targets that came with others. */
  masks(): readonly TargetMask[] {
    return [...this.#told.values()];
  }

  /** For the shard; undefined: nothing is left out. */
  leftOutSeries(): LeftOut | undefined {
    const targets = [...this.#series].map(([target, series]) => ({ target, series })).filter(({ series }) => series > 0);
    if (targets.length === 0) return undefined;
    return { series: targets.reduce((sum, { series }) => sum + series, 0), targets: targets.slice(0, MAX_TOLD_TARGETS) };
  }

  #rightMask(template: Template): Mask {
    if (!this.#enabled) return NO_MASK;
    let mask = this.#right.get(template);
    if (mask === undefined) {
      mask = encodeMask(template.rows, (row) => template.drops[row] !== KEPT);
      this.#right.set(template, mask);
    }
    return mask;
  }

  #tell(target: number, mask: Mask): void {
    const key = mask.join();
    const told = this.#told.get(key);
    const bytes = INDEX_BYTES + (told === undefined ? mask.length + 16 : 0);
    if (this.#bytes + bytes > MAX_MASK_BYTES) return;
    this.#bytes += bytes;
    if (told === undefined) this.#told.set(key, { mask, targets: [target] });
    else told.targets.push(target);
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
