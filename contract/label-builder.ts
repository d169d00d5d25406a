import { type Labels, sortLabels } from './labels.ts';

/**
 * A label set under change. Names are visited in the order of Prometheus' labels.Builder: first the labels it started with
 * that nobody wrote to, then the written ones in the order of their first writing. Rules that map two names to one depend
 * on it. Copies nothing until the first change, because most rules only look.
 */
export class LabelBuilder {
  readonly #base: Labels;
  #values: Map<string, string> | undefined;
  readonly #written = new Set<string>();

  /** @param base sorted, names unique, no empty values */
  constructor(base: Labels) {
    this.#base = base;
  }

  /** Empty where there is no such label. */
  get(name: string): string {
    if (this.#values !== undefined) return this.#values.get(name) ?? '';
    for (const label of this.#base) if (label[0] === name) return label[1];
    return '';
  }

  /** An empty value removes the label. */
  set(name: string, value: string): void {
    const values = this.#changeable();
    if (value === '') {
      this.delete(name);
      return;
    }
    if (!this.#written.has(name)) {
      this.#written.add(name);
      values.delete(name);
    }
    values.set(name, value);
  }

  delete(name: string): void {
    this.#changeable().delete(name);
    this.#written.delete(name);
  }

  /** A snapshot: changes made while walking over it are not seen. */
  entries(): Labels {
    return this.#values === undefined ? this.#base : [...this.#values];
  }

  labels(): Labels {
    return this.#values === undefined ? this.#base : sortLabels(this.#values);
  }

  #changeable(): Map<string, string> {
    this.#values ??= new Map(this.#base);
    return this.#values;
  }
}
