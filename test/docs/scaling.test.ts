import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { costRow, monthlyCost, shortCostRow, tabulated } from '../sim/cost.ts';

const doc = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8');
const deploy = readFileSync(new URL('../../infra/deploy.md', import.meta.url), 'utf8').replaceAll(/ {2,}/g, ' ');

it.each(tabulated.filter(({ series }) => series === 100))(
  'infra/deploy.md has the cost of $devices devices each $pushSeconds s',
  (fleet) => {
    expect(deploy).toContain(shortCostRow(fleet));
  },
);

it.each(tabulated)('docs/scaling.md has the cost of $devices devices with $series series each $pushSeconds s', (fleet) => {
  expect(doc).toContain(costRow(fleet));
});

it('is reckoned as the page says: 10,000 devices, 100 series, every 60 s', () => {
  const { shards, parts } = monthlyCost({ devices: 10_000, series: 100, pushSeconds: 60 });
  expect(shards).toBe(4);
  // 10,000 / 60 s * 30 d = 432 M pushes; 10 M and 1 M of them are included.
  expect(parts.requests).toBeCloseTo((432 - 10) * 0.3, 6);
  expect(parts.shardRequests).toBeCloseTo((432 - 1) * 0.15, 6);
  expect(parts.puts).toBeCloseTo((4 * 2.592 - 1) * 4.5, 6);
});
