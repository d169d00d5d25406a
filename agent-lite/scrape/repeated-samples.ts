import { type Cells, createCells, setValue } from '../../contract/cells.ts';
import type { SeriesColumns, SeriesId } from './series.ts';

/** At most so many further samples of one series in one scrape, and so many cells for all of them: bounds memory. */
const MAX_LAYERS = 100;
const MAX_CELLS = 1_000_000;

/**
 * Further samples of series that come more than once in one scrape, each with a timestamp of its own. Cells hold one sample
 * of a series, so these are written as scrapes of their own: the second samples of all series in one, the third in the next.
 */
export class RepeatedSamples {
  readonly #samples: { readonly series: SeriesId; readonly value: number; readonly timeMs: number }[] = [];

  clear(): void {
    this.#samples.length = 0;
  }

  push(series: SeriesId, value: number, timeMs: number): void {
    this.#samples.push({ series, value, timeMs });
  }

  /**
   * @param rows of the table; the first samples are stored by now
   * @param accept whether a sample may follow what is stored of its series
   * @param refuse told of each sample that is beyond the limits
   */
  take(rows: number, columns: SeriesColumns, accept: (series: SeriesId, timeMs: number) => boolean, refuse: () => void): readonly Cells[] {
    if (this.#samples.length === 0) return [];
    const { tableRow, lastMs, explicit } = columns;
    const layers: Cells[] = [];
    const used = new Map<SeriesId, number>();
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
      const row = tableRow[series] as number;
      setValue(cells, row, value);
      cells.ownTimes ??= new Map();
      cells.ownTimes.set(row, Float64Array.of(timeMs));
      lastMs[series] = timeMs;
      explicit[series] = 1;
    }
    this.clear();
    return layers;
  }
}
