import { type Cells, clearCells, createCells } from '../../contract/cells.ts';
import { SampleBuffer } from './sample-buffer.ts';

/**
 * What one scrape after the other works with. Cells that were appended would wait for the garbage collector from push to push, nine
 * bytes a series and scrape. One of each is kept; what targets that are scraped at the same moment take besides is new each time.
 */
export class ScrapeMemory {
  #free: Cells | undefined;
  #samples: SampleBuffer | undefined;
  #turnMs = 0;

  /** How long, ms, to wait for a turn that others follow `restMs` later at the earliest. */
  untilTurn(nowMs: number, restMs: number): number {
    const turn = Math.max(nowMs, this.#turnMs);
    this.#turnMs = turn + restMs;
    return turn - nowMs;
  }

  /** One scrape of so many rows, all absent. */
  takeCells(rows: number): Cells {
    const free = this.#free;
    if (free?.rows !== rows) return createCells(rows, 1);
    this.#free = undefined;
    clearCells(free);
    return free;
  }

  /** Nobody reads them any more. */
  giveCells(cells: Cells): void {
    this.#free = cells;
  }

  takeSamples(): SampleBuffer {
    const free = this.#samples;
    this.#samples = undefined;
    return free ?? new SampleBuffer();
  }

  /** Nobody looks at them any more. */
  giveSamples(samples: SampleBuffer): void {
    samples.clear();
    this.#samples = samples;
  }
}
