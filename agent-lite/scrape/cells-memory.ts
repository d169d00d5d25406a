import { ABSENT, type Cells, createCells } from '../../contract/cells.ts';

/**
 * The cells of a scrape that was appended, for the next one: nine bytes a series and scrape would wait for the garbage collector
 * from push to push. Targets are seldom scraped at the same moment, so one is enough.
 */
export class CellsMemory {
  #free: Cells | undefined;

  /** One scrape of so many rows, all absent. */
  take(rows: number): Cells {
    const free = this.#free;
    if (free?.rows !== rows) return createCells(rows, 1);
    this.#free = undefined;
    free.states.fill(ABSENT);
    free.words.fill(0);
    free.ownTimes = undefined;
    return free;
  }

  /** Nobody reads them any more. */
  give(cells: Cells): void {
    this.#free = cells;
  }
}
