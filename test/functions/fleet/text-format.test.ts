import { expect, it } from 'vitest';
import { TextFormat } from '../../../functions/fleet/text-format.ts';

it('prints one block for each family, typed, sorted, with the labels given before those of the series', () => {
  const text = new TextFormat();
  text.add({ relay_b: 1, 'relay_a_total{code="200"}': 2, relay_sum: 3 }, 'tenant="acme"');
  text.add({ relay_b: 4, 'relay_a_total{code="500"}': 5 });
  expect(text.toString()).toBe(`# TYPE relay_a_total counter
relay_a_total{tenant="acme",code="200"} 2
relay_a_total{code="500"} 5
# TYPE relay_b gauge
relay_b{tenant="acme"} 1
relay_b 4
# TYPE relay_sum gauge
relay_sum{tenant="acme"} 3
`);
});

it('keeps the series of a histogram in one block', () => {
  const text = new TextFormat();
  const histogram = {
    'relay_x_seconds_bucket{le="1"}': 1,
    'relay_x_seconds_bucket{le="+Inf"}': 2,
    relay_x_seconds_sum: 4.5,
    relay_x_seconds_count: 2,
  };
  text.add(histogram, 'shard="1/0"');
  expect(text.toString()).toBe(`# TYPE relay_x_seconds histogram
relay_x_seconds_bucket{shard="1/0",le="1"} 1
relay_x_seconds_bucket{shard="1/0",le="+Inf"} 2
relay_x_seconds_sum{shard="1/0"} 4.5
relay_x_seconds_count{shard="1/0"} 2
`);
});

it('is empty where nothing is', () => {
  expect(new TextFormat().toString()).toBe('');
});
