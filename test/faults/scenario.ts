import type { Account } from './account.ts';
import type { Random } from './random.ts';

/**
 * A way to go wrong. Each file in scenarios/ exports one as `scenario`; the campaign (main.ts) and the tests (faults.test.ts,
 * test/e2e/faults.test.ts) find it there. It runs a round and gives the account of it; what is lost, wrong or out of order it throws.
 */
export type Scenario = About & ({ readonly run: RunRound } | { readonly begin: Begin });

/** Runs one round. */
export type RunRound = (round: Round) => Promise<Account>;
/** Sets up what all rounds of a campaign share, say real programs that take long to start, and gives what runs one of them. */
export type Begin = (shared: Shared) => Promise<Rounds>;

export interface Rounds {
  /** May do harm only, and leave the account to a later round or to the end: waiting for everything to arrive takes longest. */
  readonly run: RunRound;
  /** So many rounds at a time; default 1. */
  readonly parallel?: number;
  /** After the last round: the account of what no round has given one of. */
  finish?(): Promise<Account>;
}

export interface About {
  /** As `--only` takes it: the file's name. */
  readonly name: string;
  /** What goes wrong, and what holds all the same; one line. */
  readonly about: string;
  /** In CI, and in the whole campaign; `--rounds` may ask for fewer. A scenario that tries everything there is has one. */
  readonly rounds: { readonly short: number; readonly full: number };
  /** Runs real programs, so its short form belongs to the end-to-end tests. */
  readonly programs?: boolean;
  /** A program that this machine may not have; without it the scenario is skipped, loudly, and in CI fails. */
  readonly needs?: string;
}

/** Of one campaign, or of one round. */
export interface Shared {
  /** In CI: a part of what would be tried. */
  readonly short: boolean;
  /** An empty folder, removed at the end. */
  folder(): Promise<string>;
  /** Runs at the end, the last one first. */
  after(action: () => Promise<unknown>): void;
}

/** One run of a scenario. Everything random in it comes from `random`, so that seed and number say what happens. */
export interface Round extends Shared {
  /** From 0. */
  readonly number: number;
  readonly random: Random;
}
