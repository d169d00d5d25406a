/** What flows through the local stack, from the counters of its programs: one line for people. */
export interface Counters {
  readonly agent: ReadonlyMap<string, number>;
  readonly edge: ReadonlyMap<string, number>;
  /** Samples at the development receiver; undefined where another one is used. */
  readonly arrived: number | undefined;
  readonly atMs: number;
}

const count = (metrics: ReadonlyMap<string, number>, name: string): number => metrics.get(name) ?? 0;
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/**
 * @param before counters some seconds ago, for rates
 * @param start the edge's counters at the start: they count for as long as its state lives
 */
export function describeFlow(now: Counters, before: Counters | undefined, start: ReadonlyMap<string, number>): string {
  const scraped = count(now.agent, SCRAPED);
  const parts: string[] = [];
  if (now.agent.size === 0) {
    parts.push('agent: no answer');
  } else {
    const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000;
    const rate =
      before === undefined || before.agent.size === 0 || seconds <= 0 ? undefined : (scraped - count(before.agent, SCRAPED)) / seconds;
    parts.push(`scraped ${number.format(scraped)}${rate === undefined ? '' : ` (${number.format(Math.max(0, rate))}/s)`}`);
    parts.push(`log backlog ${formatBytes(count(now.agent, BACKLOG_BYTES))}`);
    const pushed = count(now.agent, PUSHED_SAMPLES);
    if (pushed > 0) parts.push(`pushed ${number.format(pushed)} at ${(count(now.agent, PUSHED_BYTES) / pushed).toFixed(2)} B/sample`);
  }
  if (now.edge.size === 0) {
    parts.push('edge: no answer');
  } else {
    const since = (name: string): number => count(now.edge, name) - count(start, name);
    parts.push(`edge stored ${number.format(since(STORED))}, buffers ${formatBytes(count(now.edge, BUFFERED_BYTES))}`);
    parts.push(`forwarded ${number.format(since(FORWARDED))}`);
    const dead = since(DEAD_LETTERS);
    if (dead > 0) parts.push(`dead letters ${number.format(dead)}`);
  }
  if (now.arrived !== undefined) parts.push(`arrived ${number.format(now.arrived)}`);
  return parts.join(' | ');
}

const SCRAPED = 'agent_lite_scraped_samples_total';
const BACKLOG_BYTES = 'agent_lite_push_backlog_bytes';
const PUSHED_SAMPLES = 'agent_lite_push_samples_total';
const PUSHED_BYTES = 'agent_lite_push_sent_bytes_total';
const STORED = 'relay_samples_stored_total';
const FORWARDED = 'relay_forwarded_samples_total';
const BUFFERED_BYTES = 'relay_buffer_bytes';
const DEAD_LETTERS = 'relay_dead_letters_total';

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
