/** Where the samples of a round have gone. `scraped` is the sum of all up to `lost`; the others are counted beside it. */
export interface Account {
  readonly scraped: number;
  /** At the receiver, each once, with the right time and bits. */
  readonly delivered: number;
  /** Still in a log, behind its cursor, or set aside by the agent. */
  readonly waiting: number;
  readonly deadLetters: number;
  /** By a stated limit, and the agent itself has counted them. */
  readonly dropped: number;
  /** Within a documented bound: written after the last sync before a power cut, damaged and told, cut off by a kill. */
  readonly bounded: number;
  readonly lost: number;
  /** Sent to the receiver more than once. */
  readonly duplicated: number;
  /** In requests that the receiver refused. */
  readonly refused: number;
}

export const NOTHING: Account = {
  ...{ scraped: 0, delivered: 0, waiting: 0, deadLetters: 0, dropped: 0, bounded: 0 },
  ...{ lost: 0, duplicated: 0, refused: 0 },
};

export function addAccounts(a: Account, b: Account): Account {
  const sum = { ...a } as { -readonly [K in keyof Account]: number };
  for (const key of Object.keys(NOTHING) as (keyof Account)[]) sum[key] += b[key];
  return sum;
}

/** Samples that are nowhere, or are not what was scraped. Its message names the first by series and time. */
export class LossError extends Error {
  override name = 'LossError';
  readonly account: Account;
  constructor(message: string, account: Account) {
    super(message);
    this.account = account;
  }
}
