import { type Cells, createCells, setValue } from '../../contract/cells.ts';
import type { Series } from './series.ts';

/** At most so many further samples of one series in one scrape, and so many cells for all of them: bounds memory. */
const MAX_LAYERS = 100;
const MAX_CELLS = 1_000_000;

/**
 * Further samples of series that come more than once in one scrape, each with a timestamp of its own. Cells hold one sample
 * of a series, so these are written as scrapes of their own: the second samples of all series in one, the third in the next.
 */
export class RepeatedSamples {
  readonly #samples: { readonly series: Series; readonly value: number; readonly timeMs: number }[] = [];

  clear(): void {
    this.#samples.length = 0;
  }

  push(series: Series, value: number, timeMs: number): void {
    this.#samples.push({ series, value, timeMs });
  }

  /**
   * @param rows of the table; the first samples are stored by now
   * @param accept whether a sample may follow what is stored of its series
   * @param refuse told of each sample that is beyond the limits
   */
  take(rows: number, accept: (series: Series, timeMs: number) => boolean, refuse: () => void): readonly Cells[] {
    const layers: Cells[] = [];
    const used = new Map<Series, number>();
    const most = Math.min(MAX_LAYERS, Math.max(1, Math.floor(MAX_CELLS / rows)));
    for (const { series, value, timeMs } of this.#samples) {
      if (!accept(series, timeMs)) continue;
      const layer = used.get(series) ?? 0;
      if (layer >= most) {
        refuse();
        continue;
      }
      used.set(series, layer + 1);
      const cells = layers[layer] ?? createCells(rows, 1);
      layers[layer] = cells;
      setValue(cells, series.tableRow, value);
      cells.ownTimes ??= new Map();
      cells.ownTimes.set(series.tableRow, Float64Array.of(timeMs));
      series.lastMs = timeMs;
      series.explicit = true;
    }
    this.clear();
    return layers;
  }
}
