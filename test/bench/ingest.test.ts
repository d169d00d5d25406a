import { expect, it } from 'vitest';
import { benchIngest, describeIngest } from './ingest.ts';

it('runs and tells what it measured', async () => {
  const result = await benchIngest(1, 2);
  // The target's own 1000 series, and its five reports.
  expect(result).toMatchObject({ benchmark: 'ingest', rounds: 1, samplesPerPush: 4 * 1005 });
  expect(result.shardMicroseconds).toBeGreaterThan(0);
  expect(describeIngest(result)).toMatch(/with 5 rules +\d+ us a push/);
});
