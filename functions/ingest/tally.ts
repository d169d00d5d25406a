/**
 * Counts of one isolate, until they are handed over (app.ts): those of a push into its shard's counters, the others to the object that
 * keeps what belongs to no push, such as refused tokens.
 */
export class Tally {
  #counts = new Map<string, number>();

  /** @param name in Prometheus' text form, e.g. `relay_x_total{reason="y"}`; never made of what a sender sent */
  add(name: string, count = 1): void {
    if (count !== 0) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  addAll(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.add(name, count);
  }

  /** Empties it. What could not be delivered goes back by {@link addAll}. */
  take(): Readonly<Record<string, number>> {
    const counts = Object.fromEntries(this.#counts);
    this.#counts = new Map();
    return counts;
  }
}
