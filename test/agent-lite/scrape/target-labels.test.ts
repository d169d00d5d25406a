import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeLabels } from '../../../agent-lite/scrape/target-labels.ts';
import { type Label, labelsFromRecord, METRIC_NAME, sortLabels } from '../../../contract/labels.ts';

const target = labelsFromRecord({ instance: 'a:9100', job: 'node' });
const own = fc.stringMatching(/^[a-z]{1,3}$/).filter((name) => name !== 'job');

describe('labels of a series and of its target', () => {
  for (const [name, size] of [
    ['few', { maxLength: 30 }],
    ['many', { minLength: 33, maxLength: 60 }],
  ] as const) {
    it(`are sorted and without empty ones, where the series has ${name} and none of the target's`, () => {
      const pairs = fc.uniqueArray(fc.tuple(own, fc.stringMatching(/^[x-z]{0,2}$/)), { ...size, selector: ([label]) => label });
      fc.assert(
        fc.property(pairs, fc.boolean(), (labels, honor) => {
          const exposed: readonly Label[] = [[METRIC_NAME, 'up'], ...labels];
          expect(mergeLabels(exposed, target, honor)).toEqual(sortLabels([...exposed, ...target]));
        }),
      );
    });
  }
  it('are many without taking long: a line of a hostile target may have any number of them', () => {
    const exposed = Array.from({ length: 100_000 }, (_, i): Label => [`l${(i * 7919) % 100_000}`, 'v']);
    expect(mergeLabels(exposed, target, false)).toHaveLength(100_002);
  });
});
