import type { Row } from '../../contract/series-table.ts';

/** The newest exemplar of a series that was kept. */
export interface LastExemplar {
  readonly key: string;
  readonly value: number;
  /** Ms. */
  readonly timeMs: number;
  /** Whether that time came with it. */
  readonly explicit: boolean;
}

/** What is remembered of one series of a target. Scrapes are numbered from 1, good and failed ones. */
export interface Series {
  readonly row: Row;
  /** Index in the present table; -1: not in it. */
  tableRow: number;
  /** The scrape in which it last came up at all. */
  mark: number;
  /** The last scrape, the one under way included, that has a sample of it to be stored. */
  queuedAt: number;
  /** The last good scrape that stored a sample of it. */
  storedAt: number;
  /** The last scrape for which it counts as exposed with staleness tracking: it gets a marker when it vanishes. */
  trackedAt: number;
  /** Time of its last sample or marker, ms. */
  lastMs: number;
  /** Whether that time came with the sample. */
  explicit: boolean;
  /** How many texts of the index stand for it. */
  texts: number;
  exemplar: LastExemplar | undefined;
}

export const createSeries = (row: Row): Series => ({
  row,
  tableRow: -1,
  mark: 0,
  queuedAt: 0,
  storedAt: 0,
  trackedAt: 0,
  lastMs: Number.NEGATIVE_INFINITY,
  explicit: false,
  texts: 0,
  exemplar: undefined,
});
