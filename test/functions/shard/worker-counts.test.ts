import { expect, it } from 'vitest';
import { WorkerCounts } from '../../../functions/shard/worker-counts.ts';
import { FakeObjectStorage } from '../../fakes/sql.ts';

it('adds up what isolates hand over, also after the instance is gone', () => {
  const storage = new FakeObjectStorage();
  const before = new WorkerCounts(storage.open());
  expect(before.add({})).toEqual({});
  before.add({ a_total: 1, 'b_total{code="200"}': 2 });
  expect(before.add({ a_total: 1 })).toEqual({ a_total: 2, 'b_total{code="200"}': 2 });
  const after = new WorkerCounts(storage.open());
  expect(after.add({})).toEqual({ a_total: 2, 'b_total{code="200"}': 2 });
  expect(after.add({ a_total: 0.5 })).toMatchObject({ a_total: 2.5 });
});
