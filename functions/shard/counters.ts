/** Totals by metric name with labels in Prometheus' text form, e.g. `relay_pushes_total{result="stored"}`. */
export type Totals = Readonly<Record<string, number>>;

/** Names a counter set may hold. One beyond is counted under {@link OVERFLOW}; the worker that sent it has a bug. */
const MAX_NAMES = 500;
const OVERFLOW = 'relay_counters_refused_total';

/** Running totals of one writer; they ride in the rows it writes anyway, so counting costs no rows. */
export class Counters {
  readonly #totals: Map<string, number>;
  /** Goes up with each change. */
  changes = 0;

  constructor(totals: Totals = {}) {
    this.#totals = new Map(Object.entries(totals));
  }

  add(name: string, value = 1): void {
    if (value === 0) return;
    this.changes++;
    const known = this.#totals.get(name);
    if (known === undefined && this.#totals.size >= MAX_NAMES && name !== OVERFLOW) this.add(OVERFLOW);
    else this.#totals.set(name, (known ?? 0) + value);
  }

  totals(): Totals {
    return Object.fromEntries(this.#totals);
  }
}

/**
 * Totals of one writer, kept in two places: the later of both. Counters only grow, so the greater value is the later one.
 * @param saved as JSON
 */
export function laterTotals(totals: Totals = {}, saved = '{}'): Totals {
  const out: Record<string, number> = { ...totals };
  for (const [name, value] of Object.entries(JSON.parse(saved) as Totals)) out[name] = Math.max(value, out[name] ?? 0);
  return out;
}

export function addTotals(into: Record<string, number>, totals: Totals): void {
  for (const [name, value] of Object.entries(totals)) into[name] = (into[name] ?? 0) + value;
}
