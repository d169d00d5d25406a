import type { LaneCursor } from './ledger.ts';
import { compareCursors, type ReadOptions, type Unit, type UnitLimits, type UnitReader, type UnitResult } from './unit.ts';

/** Reads a lane's units; while one is under way the next is fetched, so that a backlog does not wait for the bucket. */
export class ReadAhead {
  readonly #reader: UnitReader;
  #next: { readonly from: LaneCursor; readonly limits: UnitLimits; readonly unit: Promise<Unit | undefined> } | undefined;

  constructor(reader: UnitReader) {
    this.#reader = reader;
  }

  /** As {@link UnitReader.read}. */
  async read(cursor: LaneCursor, options: ReadOptions): Promise<UnitResult> {
    const next = this.#next;
    if (next !== undefined && compareCursors(next.from, cursor) === 0 && sameLimits(next.limits, options.limits)) {
      const unit = await next.unit;
      this.#next = undefined;
      if (unit !== undefined) return { kind: 'unit', unit };
    }
    this.forget();
    return this.#reader.read(cursor, options);
  }

  /** Starts to fetch what {@link read} will be asked for, where there is memory for it. */
  prepare(from: LaneCursor, options: ReadOptions): void {
    if (this.#next !== undefined) return;
    const read = this.#reader.read(from, { ...options, ahead: true });
    // Whatever went wrong comes to light when it is needed.
    const unit = read.then((result) => (result.kind === 'unit' ? result.unit : undefined)).catch(() => undefined);
    this.#next = { from, limits: options.limits, unit };
  }

  /** It is not what will be needed, or its memory is. */
  forget(): void {
    void this.#next?.unit.then((unit) => unit?.release());
    this.#next = undefined;
  }
}

const sameLimits = (a: UnitLimits, b: UnitLimits): boolean =>
  a.rawBytes === b.rawBytes && a.samples === b.samples && a.fragments === b.fragments;
