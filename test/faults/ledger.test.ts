import { describe, expect, it } from 'vitest';
import { LossError } from './account.ts';
import { type Evidence, Ledger, SERIES, type SeenSeries } from './ledger.ts';

const T0 = 1_700_000_000_000;
const STALE = 0x7ff0_0000_0000_0002n;
const bits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;

/** Ten scrapes a second apart, and the receiver that has them all. */
function sound(): {
  ledger: Ledger;
  evidence: Evidence & { delivered: { labels: SeenSeries['labels']; samples: { ms: number; bits: bigint }[] }[] };
} {
  const ledger = new Ledger();
  const delivered = Array.from({ length: SERIES }, (_, series) => ({
    labels: [
      ['__name__', 'ledger_value'],
      ['instance', 'gw-1'],
      ['job', 'ledger'],
      ['series', String(series)],
    ] as const,
    samples: [] as { ms: number; bits: bigint }[],
  }));
  for (let n = 1; n <= 10; n++) {
    ledger.handOut('gw-1', T0 + n * 1000);
    for (const [series, { samples }] of delivered.entries())
      samples.push({ ms: T0 + n * 1000, bits: n % 5 === 0 && series >= SERIES / 2 ? STALE : bits(n * 1000 + series) });
  }
  return { ledger, evidence: { delivered, deadLetters: [], waiting: [], droppedScrapes: 0, duplicated: 0, refused: 0 } };
}

describe('the ledger', () => {
  it('is content where everything has arrived', () => {
    const { ledger, evidence } = sound();
    expect(ledger.account(evidence)).toMatchObject({ scraped: 60, delivered: 60, lost: 0, duplicated: 0 });
  });

  type World = ReturnType<typeof sound>['evidence'];
  const faults: [name: string, change: (evidence: World) => void, says: RegExp][] = [
    [
      'a value is missing',
      ({ delivered }) => delivered[2]?.samples.splice(6, 1),
      /series="2", instance="gw-1"} of 2023-11-14T22:13:27.000Z, scrape 7: nowhere/,
    ],
    ['a marker is missing', ({ delivered }) => delivered[4]?.samples.splice(4, 1), /series="4".* scrape 5: nowhere/],
    [
      'a value is another',
      ({ delivered }) => delivered[0]?.samples.splice(3, 1, { ms: T0 + 4000, bits: bits(4000.5) }),
      /was never scraped/,
    ],
    [
      'a value is that of another scrape',
      ({ delivered }) => delivered[0]?.samples.splice(3, 1, { ms: T0 + 4000, bits: bits(3000) }),
      /expected the time 2023-11-14T22:13:23/,
    ],
    [
      'a marker is a value',
      ({ delivered }) => delivered[4]?.samples.splice(4, 1, { ms: T0 + 5000, bits: bits(5004) }),
      /was never scraped/,
    ],
    ['two samples have changed places', ({ delivered }) => delivered[1]?.samples.reverse(), /came after/],
    [
      'there is a sample too many',
      ({ delivered }) => delivered[1]?.samples.push({ ms: T0 + 11_000, bits: bits(11_001) }),
      /was never scraped/,
    ],
  ];
  it.each(faults)('%s: said so, with series and time', (_name, change, says) => {
    const { ledger, evidence } = sound();
    change(evidence);
    expect(() => ledger.account(evidence)).toThrow(LossError);
    expect(() => ledger.account(evidence)).toThrow(says);
  });

  it('knows what waits, is in dead letters, was dropped, or may be missing', () => {
    const { ledger, evidence } = sound();
    const { delivered } = evidence;
    const take = (n: number) =>
      delivered.map(({ labels, samples }) => ({ labels, samples: samples.filter(({ ms }) => ms === T0 + n * 1000) }));
    const deadLetters = take(2);
    for (const series of delivered) series.samples = series.samples.filter(({ ms }) => ms > T0 + 4000);
    const account = ledger.account({
      ...evidence,
      deadLetters,
      waiting: [{ source: 'gw-1', number: 3 }],
      droppedScrapes: 1,
      bound: ({ number }) => (number === 4 ? 'within the bound' : undefined),
    });
    expect(account).toMatchObject({ scraped: 60, delivered: 36, waiting: 6, deadLetters: 6, dropped: 6, bounded: 6, lost: 0 });
    expect(() => ledger.account({ ...evidence, deadLetters, waiting: [], droppedScrapes: 1 })).toThrow(/nowhere \(and 1 more\)/);
  });
});
