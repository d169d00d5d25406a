import type { HandedOut } from '../e2e/harness/scripted-target.ts';
import { type Account, NOTHING } from './account.ts';

/** Of a target whose answers are numbered (numberedSeries). */
export const NUMBERED_SERIES = 20;
/** A scrape's time lies before the target was asked, by no more than this. */
const MAX_LEAD_MS = 2500;
/** An answer may be read for so long on a busy machine. */
const MOST_READING_MS = 1000;
const STALE = 0x7ff0_0000_0000_0002n;

/** A series of the target, or its `up`, as it has arrived. */
export interface ArrivedSeries {
  readonly name: string;
  /** Of its label `series`. */
  readonly series: string;
  readonly samples: readonly { readonly ms: number; readonly bits: bigint }[];
}

/** When the agent was being killed, or its lead was taken from it. */
export interface Death {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface NumberedEvidence {
  /** In order. The account is of those from index `from` to before `to`. */
  readonly handedOut: readonly HandedOut[];
  readonly from: number;
  readonly to: number;
  readonly arrived: readonly ArrivedSeries[];
  readonly deaths: readonly Death[];
  /** What was scraped in these times may be missing: its only copy was destroyed. */
  readonly destroyed?: readonly Death[];
  /** Scrapes that the agent says a limit took. */
  readonly dropped?: number;
}

/** The account of a real agent with one target. Markers have their time only, and none is due over a restart: they are not looked at. */
export function accountNumbered(evidence: NumberedEvidence): { readonly account: Account; readonly faults: readonly string[] } {
  const { handedOut, from, to, arrived, deaths, destroyed = [] } = evidence;
  const faults: string[] = [];
  const account = { ...NOTHING } as { -readonly [K in keyof Account]: number };
  const { found, failed, repeated } = find(arrived, handedOut, faults);
  account.duplicated = repeated;
  let droppable = evidence.dropped ?? 0;
  for (let i = from; i < to; i++) {
    const handed = handedOut[i];
    if (handed === undefined) break;
    const { number, askedMs } = handed;
    const missing = Array.from({ length: NUMBERED_SERIES }, (_, series) => series).filter((series) => !found.has(`${number}/${series}`));
    const whole = missing.length === NUMBERED_SERIES;
    // The agent says itself that it could not read this one.
    if (whole && failed.some((ms) => ms <= askedMs + 2 && askedMs - ms <= MAX_LEAD_MS)) continue;
    account.scraped += NUMBERED_SERIES;
    account.delivered += NUMBERED_SERIES - missing.length;
    if (missing.length === 0) continue;
    // Of each life only the last: a scrape is logged before the next is made.
    const next = handedOut[i + 1]?.askedMs ?? Number.POSITIVE_INFINITY;
    const unread = deaths.some(({ fromMs, toMs }) => toMs >= askedMs && fromMs <= next && fromMs - askedMs < MOST_READING_MS);
    if (whole && (unread || destroyed.some(({ fromMs, toMs }) => askedMs >= fromMs && askedMs <= toMs))) account.bounded += NUMBERED_SERIES;
    else if (whole && droppable-- > 0) account.dropped += NUMBERED_SERIES;
    else {
      account.lost += missing.length;
      faults.push(`ledger_value{series="${missing[0]}"} of ${new Date(askedMs).toISOString()}, scrape ${number}: nowhere`);
    }
  }
  return { account, faults };
}

/** What has arrived of which scrape, and the times at which the agent says that it could not read one. */
function find(arrived: readonly ArrivedSeries[], handedOut: readonly HandedOut[], faults: string[]) {
  const found = new Set<string>();
  const failed: number[] = [];
  let repeated = 0;
  for (const { name, series, samples } of arrived) {
    for (const { ms, bits } of samples) {
      const value = doubleOf(bits);
      if (name === 'up' && value === 0) failed.push(ms);
      if (name !== 'ledger_value' || bits === STALE) continue;
      const number = Math.floor(value / 1000);
      const of = handedOut[number - 1];
      const what = `ledger_value{series="${series}"} at ${new Date(ms).toISOString()}`;
      if (of === undefined || value !== number * 1000 + Number(series)) faults.push(`${what}: ${bits.toString(16)} was never scraped`);
      else if (ms > of.askedMs + 2 || of.askedMs - ms > MAX_LEAD_MS) faults.push(`${what}: asked at ${new Date(of.askedMs).toISOString()}`);
      const id = `${number}/${series}`;
      if (found.has(id)) repeated++;
      found.add(id);
    }
  }
  return { found, failed, repeated };
}

const doubleOf = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0;
