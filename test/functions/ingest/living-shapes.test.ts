import { expect, it } from 'vitest';
import { LivingShapes } from '../../../functions/ingest/living-shapes.ts';

it('keeps the latest of each, and none where there is none', () => {
  const shapes = new LivingShapes();
  const [a, b] = [{}, {}];
  shapes.keep({ writer: a, entry: a });
  shapes.keep({ writer: b, entry: undefined });
  expect(shapes.latest['writer']).toBe(b);
  expect(shapes.latest['entry']).toBe(a);
});
