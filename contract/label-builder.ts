import { type Labels, labelValue, sortLabels } from './labels.ts';

/**
 * A label set under change. Names are visited in the order of Prometheus' labels.Builder: first the labels it started with
 * that nobody wrote to, then the written ones in the order of their first writing. Rules that map two names to one depend
 * on it. Copies nothing until the first change, because most rules only look.
 */
export class LabelBuilder {
  readonly #base: Labels;
  #values: Map<string, string> | undefined;
  readonly #written = new Set<string>();
  readonly #read: ((value: string) => void) | undefined;

  /**
   * @param base sorted, names unique, no empty values
   * @param read told each value that {@link get} gives
   */
  constructor(base: Labels, read?: (value: string) => void) {
    this.#base = base;
    this.#read = read;
  }

  /** Empty where there is no such label. */
  get(name: string): string {
    const value = this.#values === undefined ? labelValue(this.#base, name) : (this.#values.get(name) ?? '');
    this.#read?.(value);
    return value;
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
