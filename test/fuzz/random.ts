import { Random as Seeded } from '../faults/random.ts';

/** With what mutations need beside. */
export class Random extends Seeded {
  constructor(seed: number) {
    super(String(seed));
  }

  /** A whole number from 0 to `below - 1`; 0 where `below` is 0. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }
}
