import { expect, it } from 'vitest';
import { deleteUnusedTables, TableUse } from '../../functions/ingest/table-use.ts';
import { tableKey } from '../../functions/ingest/tables.ts';
import type { StoreUnderTest } from './object-store.ts';

const DAY_MS = 86_400_000;

/** Garbage collection of series tables on a real store. Nothing else may be using `v1/used/` there. */
export function unusedTablesSuite(name: string, open: () => StoreUnderTest): void {
  it(`deletes series tables 30 days after their last use: ${name}`, async () => {
    const { store, aSecondLater } = open();
    let today = Date.UTC(2026, 10, 22, 12);
    const now = (): number => today;
    const hashOf = (n: number): string => n.toString(16).padStart(32, '0');
    const use = async (n: number): Promise<void> => {
      aSecondLater();
      await new TableUse({ store, cache: undefined, now }).mark('acme', hashOf(n));
    };
    for (let n = 0; n < 5; n++) {
      await use(n);
      await store.create(tableKey('acme', hashOf(n)), Uint8Array.of(n));
    }
    const left = async (): Promise<readonly string[]> => (await store.list('v1/tables/acme/')).map((key) => key.slice(-1));
    today += 20 * DAY_MS;
    await use(3);
    today += 10 * DAY_MS;
    expect(await deleteUnusedTables({ store, now })).toBe(0);
    expect(await left()).toEqual(['0', '1', '2', '3', '4']);
    today += DAY_MS;
    expect(await deleteUnusedTables({ store, now })).toBe(4);
    expect(await left()).toEqual(['3']);
    today += 20 * DAY_MS;
    expect(await deleteUnusedTables({ store, now })).toBe(1);
    expect([await left(), await store.list('v1/used/')]).toEqual([[], []]);
  });
}
