import type { Tally } from '../tally.ts';

/** Why a part of a request is not taken; its sender is told. */
export type Refusal = 'invalid_labels' | 'label_limit' | 'malformed' | 'out_of_order' | 'too_far_in_future';

/** Senders log the first kilobyte. */
const MAX_TEXT = 1000;
const MAX_LINE = 200;
const MAX_SERIES_TEXT = 100;

/** Collects what a sender is told, without growing with what it sent. */
export class Refusals {
  readonly #tally: Tally;
  readonly #lines: string[] = [];
  #length = 0;
  #count = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  get any(): boolean {
    return this.#count > 0;
  }

  /** @param samples of it that are lost, histograms among them; `series`: its labels as text, where they are known */
  add(reason: Refusal, samples: number, words: string, series?: string): void {
    this.#count++;
    this.#tally.add(`relay_samples_dropped_total{reason="${reason}"}`, samples);
    const line = (series === undefined ? '' : `${shorten(series, MAX_SERIES_TEXT)}: `) + shorten(words, MAX_LINE);
    if (this.#length + line.length > MAX_TEXT) return;
    this.#length += line.length + 1;
    this.#lines.push(line);
  }

  text(): string {
    const more = this.#count - this.#lines.length;
    return `not all was taken, the rest is stored:\n${this.#lines.join('\n')}${more > 0 ? `\nand ${more} more` : ''}\n`;
  }
}

const shorten = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}...` : text);
