import { describe, expect, it } from 'vitest';
import { type ArrivedSeries, accountNumbered, NUMBERED_SERIES, type NumberedEvidence } from './numbered.ts';

const T0 = 1_700_000_000_000;
const bits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;

/** Five scrapes a second apart; those of `missing` have not arrived. */
function evidence(missing: readonly number[] = [], change: Partial<NumberedEvidence> = {}): NumberedEvidence {
  const handedOut = [1, 2, 3, 4, 5].map((number) => ({ number, askedMs: T0 + number * 1000, text: '', complete: true }));
  const arrived = Array.from({ length: NUMBERED_SERIES }, (_, series): ArrivedSeries => {
    const kept = handedOut.filter(({ number }) => !missing.includes(number));
    const samples = kept.map(({ number, askedMs }) => ({ ms: askedMs - 3, bits: bits(number * 1000 + series) }));
    return { name: 'ledger_value', series: String(series), samples };
  });
  return { handedOut, from: 0, to: 5, arrived, deaths: [], ...change };
}
const at = (number: number, ms = 0) => T0 + number * 1000 + ms;

describe('the account of a real agent', () => {
  it('is content where everything has arrived', () => {
    const { account, faults } = accountNumbered(evidence());
    expect(faults).toEqual([]);
    expect(account).toMatchObject({ scraped: 100, delivered: 100, lost: 0 });
  });

  const mayBeMissing: [name: string, evidence: NumberedEvidence][] = [
    ['the last before a death', evidence([3], { deaths: [{ fromMs: at(3, 200), toMs: at(3, 210) }] })],
    ['one whose only copy was destroyed', evidence([2, 3], { destroyed: [{ fromMs: at(2), toMs: at(3, 900) }] })],
    ['one that a limit took', evidence([1], { dropped: 1 })],
  ];
  it.each(mayBeMissing)('%s may be missing', (_name, given) => {
    const { account, faults } = accountNumbered(given);
    expect(faults).toEqual([]);
    expect(account.bounded + account.dropped).toBe(100 - account.delivered);
  });

  it('one that the agent says that it could not read was not scraped', () => {
    const sound = evidence([4]);
    const up = { name: 'up', series: '', samples: [{ ms: at(4, -2), bits: bits(0) }] };
    expect(accountNumbered({ ...sound, arrived: [...sound.arrived, up] })).toMatchObject({ faults: [], account: { scraped: 80 } });
  });

  const lost: [name: string, evidence: NumberedEvidence, says: RegExp][] = [
    ['one in between', evidence([3]), /series="0"} of 2023-11-14T22:13:23.000Z, scrape 3: nowhere/],
    ['the one before the last before a death', evidence([2], { deaths: [{ fromMs: at(3, 200), toMs: at(3, 210) }] }), /scrape 2: nowhere/],
    ['one that waited long before a death', evidence([3, 4], { deaths: [{ fromMs: at(4, 10), toMs: at(4, 20) }] }), /scrape 3: nowhere/],
  ];
  it.each(lost)('%s is lost, and named', (_name, given, says) => {
    const { account, faults } = accountNumbered(given);
    expect(account.lost).toBe(NUMBERED_SERIES);
    expect(faults[0]).toMatch(says);
  });

  it('what comes twice is counted, and what nobody scraped is said', () => {
    const sound = evidence();
    const more = { name: 'ledger_value', series: '1', samples: [{ ms: at(2), bits: bits(2001) }] };
    expect(accountNumbered({ ...sound, arrived: [...sound.arrived, more] }).account.duplicated).toBe(1);
    const wrong = { ...more, samples: [{ ms: at(2), bits: bits(2001.5) }] };
    expect(accountNumbered({ ...sound, arrived: [...sound.arrived, wrong] }).faults[0]).toMatch(/was never scraped/);
  });
});
