import { describe, expect, it } from 'vitest';
import { seriesHash } from '../../functions/ingest/series-hash.ts';
import { addToSketch, estimateSketch, joinSketch, SKETCH_BYTES } from '../../functions/series-sketch.ts';

const hash = seriesHash('secret');
const encoder = new TextEncoder();

function sketchOf(from: number, to: number): Uint8Array {
  const sketch = new Uint8Array(SKETCH_BYTES);
  for (let i = from; i < to; i++) addToSketch(sketch, hash(encoder.encode(`series_${i}`)));
  return sketch;
}

describe('a sketch', () => {
  it.each([0, 1, 5, 50, 200, 600, 1_000, 10_000, 100_000, 500_000])('of %i series is within four standard errors', (count) => {
    const estimate = estimateSketch(sketchOf(0, count));
    expect(Math.abs(estimate - count)).toBeLessThanOrEqual(0.26 * count);
  });

  it('joins to that of both', () => {
    const both = sketchOf(0, 3000);
    const joined = sketchOf(0, 2000);
    expect(joinSketch(joined, sketchOf(1000, 3000))).toBe(true);
    expect(joined).toEqual(both);
    expect(joinSketch(joined, sketchOf(0, 3000))).toBe(false);
  });
});
