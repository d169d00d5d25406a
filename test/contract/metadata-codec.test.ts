import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { type FamilyMetadata, metadataLimits } from '../../contract/metadata.ts';
import { countMetadata, decodeMetadata, encodeMetadata, isWritable } from '../../contract/metadata-codec.ts';
import { decodeOrRefuse, mutate } from './arbitraries.ts';
import { metadata } from './attachments.ts';

const family = (name: string, change: Partial<FamilyMetadata> = {}): FamilyMetadata => ({
  ...{ family: name, type: 'gauge', help: '', unit: '' },
  ...change,
});

describe('metadata', () => {
  it('read back as they were', () => {
    fc.assert(
      fc.property(metadata, (given) => {
        const bytes = encodeMetadata(given);
        expect(isWritable(given)).toBe(true);
        expect(countMetadata(bytes)).toBe(given.length);
        expect(decodeMetadata(bytes)).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  it('from hostile bytes are refused, or are the only bytes that mean this', () => {
    fc.assert(
      fc.property(
        metadata.chain((given) => mutate(encodeMetadata(given))),
        (bytes) => {
          const read = decodeOrRefuse(
            () => decodeMetadata(bytes),
            (error) => error instanceof FormatError,
          );
          if (read !== undefined) expect(encodeMetadata(read)).toEqual(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each<[string, readonly FamilyMetadata[]]>([
    ['out of order', [family('b'), family('a')]],
    ['twice', [family('a'), family('a')]],
    ['without a name', [family('')]],
    ['with a lone surrogate', [family('a', { help: '\udc00' })]],
    ['with a help text over its limit', [family('a', { help: 'x'.repeat(metadataLimits.helpBytes + 1) })]],
    ['with a unit over its limit', [family('a', { unit: 'x'.repeat(metadataLimits.unitBytes + 1) })]],
    ['with a name over its limit', [family('é'.repeat(metadataLimits.nameBytes / 2 + 1))]],
    ['with more families than the limit', Array.from({ length: metadataLimits.families + 1 }, (_, i) => family(String(i + 1e6)))],
    ['over the bytes of a push', Array.from({ length: 2100 }, (_, i) => family(String(i + 1e6), { help: 'x'.repeat(1024) }))],
  ])('are not writable %s', (_name, given) => {
    expect(isWritable(given)).toBe(false);
  });
});
