/**
 * Counts that belong to no push of their own, such as refused tokens. Numbers kept in an isolate would be nonsense, since
 * nobody can ask each isolate; so they ride with the next push that is stored, into its shard's counters.
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
