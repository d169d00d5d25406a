import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FormatError } from '../../../../contract/binary.ts';
import { wireLimits } from '../../../../contract/limits.ts';
import { compileRelabel } from '../../../../contract/relabel.ts';
import { decodeSeries } from '../../../../functions/forward/split.ts';
import { Collector } from '../../../../functions/ingest/remote-write/collector.ts';
import { readWriteRequest } from '../../../../functions/ingest/remote-write/series.ts';
import { readRequestV2 } from '../../../../functions/ingest/remote-write/series-v2.ts';
import { seriesHash } from '../../../../functions/ingest/series-hash.ts';
import { Tally } from '../../../../functions/ingest/tally.ts';
import { exemplar, family, histogram, sample, writeRequest } from '../../../fakes/write-requests.ts';

const rules = {
  identityLabel: 'device',
  hash: seriesHash('test'),
  externalLabels: [],
  reservedLabels: new Set<string>(),
  rules: compileRelabel([]),
  limits: wireLimits,
};
const request = writeRequest(
  [
    { labels: [['__name__', 'm']], samples: [sample(1, 1), sample(2, 2)], exemplars: [exemplar(1, { a: 'b' })] },
    {
      labels: [
        ['__name__', 'h'],
        ['a', 'ü'],
      ],
      histograms: [histogram(1)],
    },
  ],
  [family('m', 'help')],
);

/** Whatever a sender sends, it is refused as a whole, or what goes on can be joined with that of others and read by any receiver. */
it('passes on nothing that a receiver cannot read, whatever bytes came', () => {
  const change = fc.tuple(fc.nat(request.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), (changes, second) => {
      const bytes = request.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      const options = { device: 'gw-1', rules, maxSamplesPerSend: 2000, latestMs: 1e15, nowMs: 0, sendExemplars: true, sendMetadata: true };
      const collector = new Collector(options, new Tally());
      try {
        for (const incoming of second ? readRequestV2(bytes, 1e6) : readWriteRequest(bytes)) collector.add(incoming);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        return;
      }
      for (const { block, rawBytes } of collector.finish()) {
        expect(() => decodeSeries(block, rawBytes)).not.toThrow();
        for (const { labels } of decodeSeries(block, rawBytes).filter(({ metadata }) => metadata === undefined)) {
          expect(labels).toContainEqual(expect.objectContaining({ name: 'device', value: 'gw-1' }));
        }
      }
    }),
    { numRuns: 3000 },
  );
});
