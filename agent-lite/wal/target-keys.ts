import { type Labels, labelsKey } from '../../contract/labels.ts';

/** The keys of targets. Each target hands in the same labels with every scrape: their key is made once, not once a scrape. */
export class TargetKeys {
  readonly #keys = new WeakMap<Labels, string>();

  of(target: Labels): string {
    const known = this.#keys.get(target);
    if (known !== undefined) return known;
    const key = labelsKey(target);
    this.#keys.set(target, key);
    return key;
  }
}
