import fc from 'fast-check';
import { EXEMPLAR_LABEL_RUNES, type Exemplar } from '../../contract/exemplar.ts';
import { countRunes, type PushExemplar } from '../../contract/exemplar-codec.ts';
import { compareText, type Labels } from '../../contract/labels.ts';
import { type FamilyMetadata, METRIC_TYPES } from '../../contract/metadata.ts';
import { bits, labels, MAX_OWN_MS, text } from './arbitraries.ts';

/** What travels beside the samples, as tests make it up. */

const value = bits.map(([low, high]) => new Float64Array(Uint32Array.of(low, high).buffer)[0] as number);
const ms = fc.option(
  fc.oneof(fc.integer({ min: -MAX_OWN_MS, max: MAX_OWN_MS }), fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 })),
  { nil: undefined },
);
const fits = (given: Labels): boolean =>
  given.reduce((sum, [name, of]) => sum + countRunes(name) + countRunes(of), 0) <= EXEMPLAR_LABEL_RUNES;
const trace = fc.uuid().map((id): Labels => [['trace_id', id]]);
const exemplarLabels = fc.oneof(trace, labels.filter(fits), fc.constant([]));

/** Of `rows` rows and `scrapes` scrapes, in order. */
export const pushExemplars = (rows: number, scrapes: number): fc.Arbitrary<readonly PushExemplar[]> =>
  rows === 0
    ? fc.constant([])
    : fc
        .array(fc.record({ row: fc.nat(rows - 1), scrape: fc.nat(scrapes - 1), labels: exemplarLabels, value, ms }), { maxLength: 12 })
        .map((given) => given.sort((a, b) => a.row - b.row || a.scrape - b.scrape));

/** Of one scrape, as the scraper gives them. */
export const exemplars = (rows: number): fc.Arbitrary<readonly Exemplar[]> =>
  pushExemplars(rows, 1).map((given) => given.map(({ row, labels: own, value: of, ms: at }) => ({ row, labels: own, value: of, ms: at })));

export const metadata: fc.Arbitrary<readonly FamilyMetadata[]> = fc
  .uniqueArray(fc.record({ family: text, type: fc.constantFrom(...METRIC_TYPES), help: text, unit: text }), {
    selector: ({ family }) => family,
    maxLength: 6,
  })
  .map((given) => given.filter(({ family }) => family !== '').sort((a, b) => compareText(a.family, b.family)));

/** A form that `toEqual` compares bit by bit; every NaN is one. */
export const describeExemplar = ({ row, scrape, labels: own, value: of, ms: at }: PushExemplar): unknown => [
  ...[row, scrape, own],
  Number.isNaN(of) ? 'NaN' : new BigUint64Array(Float64Array.of(of).buffer)[0],
  at === undefined ? undefined : at + 0,
];
