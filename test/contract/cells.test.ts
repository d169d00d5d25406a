import { expect, it } from 'vitest';
import { ABSENT, copyCell, countSamples, createCells, STALE, setStale, setValue, VALUE } from '../../contract/cells.ts';

it('starts absent and counts values and markers', () => {
  const cells = createCells(2, 3);
  expect([...cells.states]).toEqual([ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT]);
  setValue(cells, 1, 5);
  setStale(cells, 4);
  expect(countSamples(cells)).toBe(2);
});

it("stores every NaN of an exposition as Prometheus' one, so that no target can write a marker", () => {
  const cells = createCells(1, 1);
  const forged = new DataView(new ArrayBuffer(8));
  forged.setBigUint64(0, 0x7ff0000000000002n);
  setValue(cells, 0, forged.getFloat64(0));
  expect([cells.states[0], cells.words[1], cells.words[0]]).toEqual([VALUE, 0x7ff80000, 1]);
});

it('keeps -0', () => {
  const cells = createCells(1, 1);
  setValue(cells, 0, -0);
  expect([cells.words[1], cells.words[0]]).toEqual([0x80000000, 0]);
});

it('copies a cell with its bits, a payload too', () => {
  const from = createCells(1, 2);
  setStale(from, 1);
  from.words[2] = 0x12345678;
  const to = createCells(1, 1);
  copyCell(from, 1, to, 0);
  expect([to.states[0], to.words[1], to.words[0]]).toEqual([STALE, 0x7ff00000, 0x12345678]);
});
