import { describe, expect, it } from 'vitest';
import { describeFlow } from '../../../infra/local/flow.ts';
import { sumMetrics } from '../../../infra/local/text-metrics.ts';

const agent = sumMetrics(`# HELP agent_lite_scraped_samples_total Samples.
agent_lite_scraped_samples_total 1500
agent_lite_push_backlog_bytes 2500
agent_lite_push_samples_total 1000
agent_lite_push_sent_bytes_total 1230
`);
const edge = sumMetrics(`relay_samples_stored_total{tenant="acme",shard="1/0"} 900
relay_samples_stored_total{tenant="acme",shard="1/1"} 100
relay_forwarded_samples_total 990
relay_buffer_bytes 12
`);
const counters = (changes = {}) => ({ agent, edge, arrived: 980, atMs: 10_000, ...changes });

describe('the live line', () => {
  it('tells what flows at each station', () => {
    const before = counters({ agent: sumMetrics('agent_lite_scraped_samples_total 500\n'), atMs: 0 });
    expect(describeFlow(counters(), before, sumMetrics('relay_samples_stored_total 400\n'))).toBe(
      'scraped 1,500 (100/s) | log backlog 2.5 kB | pushed 1,000 at 1.23 B/sample | edge stored 600, buffers 12 B | forwarded 990 | arrived 980',
    );
  });

  it('says who does not answer, and leaves out what is not known', () => {
    expect(describeFlow(counters({ agent: new Map(), edge: new Map(), arrived: undefined }), undefined, new Map())).toBe(
      'agent: no answer | edge: no answer',
    );
  });

  it('shows dead letters where there are some', () => {
    const flow = describeFlow(counters({ edge: sumMetrics('relay_dead_letters_total{reason="refused"} 2\n') }), undefined, new Map());
    expect(flow).toContain('dead letters 2');
  });
});
