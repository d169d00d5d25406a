import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelValue } from '../../../contract/labels.ts';
import { TestEdge } from '../../fakes/worker.ts';
import { Device, taken } from './device.ts';
import { scrape, tableOf } from './scrapes.ts';

/** A target whose set of series changes: everything arrives, and a change does not cost a table. */
const NAMES = Array.from({ length: 24 }, (_, i) => `m${String(i).padStart(2, '0')}`);

/** Scrapes of these series, each value its own; then a push. Returns `name value` of what is to arrive. */
async function push(device: Device, sets: readonly (readonly string[])[], from: number): Promise<readonly string[]> {
  const wanted: string[] = [];
  for (const [i, names] of sets.entries()) {
    const value = from + i;
    const table = await tableOf(...names);
    const exemplars = [{ row: table.rows.length - 1, labels: [['trace_id', String(value)]] as const, value, ms: undefined }];
    await device.append({ ...scrape(device.clock, { table, value }), exemplars });
    wanted.push(...names.map((name) => `${name} ${value}`), `${labelValue(table.rows.at(-1) ?? [], '__name__')} exemplar ${value}`);
    await device.clock.advance(1000);
  }
  await device.send();
  return wanted.sort();
}

function arrived(edge: TestEdge): readonly string[] {
  return taken(edge)
    .flatMap(({ labels, samples, exemplars }) => {
      const name = labelValue(labels, '__name__');
      if (!name.startsWith('m')) return [];
      const number = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0] as number;
      return [...samples.map(({ bits }) => `${name} ${number(bits)}`), ...exemplars.map(({ bits }) => `${name} exemplar ${number(bits)}`)];
    })
    .sort();
}

describe('a target whose series change', () => {
  it('does not cost a table per push, however often they do', async () => {
    const edge = new TestEdge();
    const device = await Device.open([edge], true);
    for (let i = 0; i < 12; i++) {
      const set = (n: number): readonly string[] => [...NAMES.slice(0, 20), `m_new_${n % 7}`];
      const wanted = await push(device, [set(3 * i), set(3 * i + 1), set(3 * i + 2)], 10 * i);
      expect(arrived(edge)).toEqual(wanted);
    }
    expect(device.uploads).toBe(1);
  });

  it('gets a table of its own once the set has stayed, and costs nothing any more', async () => {
    const edge = new TestEdge();
    const device = await Device.open([edge], true);
    await push(device, [NAMES.slice(0, 20)], 0);
    const uploads: number[] = [];
    for (let i = 1; i < 40; i++) {
      const wanted = await push(device, [NAMES.slice(0, 21)], i);
      uploads.push(device.uploads);
      if (i > 1) expect(arrived(edge)).toEqual(wanted);
      else taken(edge);
    }
    expect(uploads[3]).toBe(1);
    expect(uploads.at(-1)).toBe(2);
  });

  it('gets a new table at once where most of it is new', async () => {
    const edge = new TestEdge();
    const device = await Device.open([edge], true);
    await push(device, [NAMES.slice(0, 8)], 0);
    await push(device, [NAMES.slice(4, 24)], 1);
    expect(device.uploads).toBe(2);
  });

  it('arrives whole, whatever the sets', async () => {
    const set = fc.subarray(NAMES, { minLength: 1 }).filter((names) => names.length > 0);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(set, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }), async (pushes) => {
        const edge = new TestEdge();
        const device = await Device.open([edge], true);
        for (const [i, sets] of pushes.entries()) {
          const wanted = await push(device, sets, 10 * i);
          expect(arrived(edge)).toEqual(wanted);
        }
      }),
      { numRuns: 25 },
    );
  });
});
