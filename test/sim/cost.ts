/** What a fleet costs a month at Cloudflare. docs/scaling.md has the formulas, where its figures come from, and its results. */

export interface Fleet {
  readonly devices: number;
  /** Of one device. */
  readonly series: number;
  readonly pushSeconds: number;
}

export interface MonthlyCost {
  readonly shards: number;
  /** Processor time of one push in the Worker, ms. */
  readonly pushMs: number;
  /** US dollars. */
  readonly parts: Readonly<Record<'requests' | 'cpu' | 'shardRequests' | 'shardDuration' | 'rows' | 'puts', number>>;
  readonly total: number;
  readonly perDevice: number;
}

const SECONDS = 30 * 86_400;
const SCRAPE_SECONDS = 15;
const LANES = 4;
/** Rated load of a shard with four lanes and a receiver 200 ms away, so that a backlog drains five times as fast. */
const SHARD = { samplesPerSecond: 20_000, pushesPerSecond: 200 } as const;
const POST_SAMPLES = 50_000;
/** ms: an empty push, and each sample of one, of a device whose tables are known (`npm run bench -- ingest`, `edge`). Shards are not billed by it. */
const CPU = { push: 0.45, sample: 0.0002 } as const;
/** Counted by the simulation: rows of a commit, with its share of deletions and snapshots; one more for each POST. */
const ROWS_PER_COMMIT = 2.2;

/** Price of a million, and what the $5 of the paid plan include, in millions. */
const PRICES = {
  requests: [0.3, 10],
  cpu: [0.02, 30],
  shardRequests: [0.15, 1],
  /** GB-seconds; an object that is always awake takes 128 MB. */
  shardDuration: [12.5, 0.4],
  rows: [1, 50],
  puts: [4.5, 1],
} as const;
const PLAN = 5;

export function monthlyCost({ devices, series, pushSeconds }: Fleet): MonthlyCost {
  const samples = (devices * series) / SCRAPE_SECONDS;
  const pushes = devices / pushSeconds;
  const shards = Math.max(1, Math.ceil(samples / SHARD.samplesPerSecond), Math.ceil(pushes / SHARD.pushesPerSecond));
  // At most one commit a second and shard, and each commit brings every lane at least one POST.
  const commits = Math.min(pushes, shards);
  const posts = Math.max(Math.min(pushes, LANES * commits), samples / POST_SAMPLES);
  const pushMs = CPU.push + series * (pushSeconds / SCRAPE_SECONDS) * CPU.sample;
  const millions = {
    requests: pushes * SECONDS,
    cpu: pushes * SECONDS * pushMs,
    shardRequests: pushes * SECONDS,
    shardDuration: shards * SECONDS * 0.128,
    rows: (commits * ROWS_PER_COMMIT + posts) * SECONDS,
    puts: commits * SECONDS,
  };
  const dollars = (part: keyof typeof PRICES): number => Math.max(0, millions[part] / 1e6 - PRICES[part][1]) * PRICES[part][0];
  const parts = {
    requests: dollars('requests'),
    cpu: dollars('cpu'),
    shardRequests: dollars('shardRequests'),
    shardDuration: dollars('shardDuration'),
    rows: dollars('rows'),
    puts: dollars('puts'),
  };
  const total = PLAN + Object.values(parts).reduce((sum, part) => sum + part, 0);
  return { shards, pushMs, parts, total, perDevice: total / devices };
}

/** A row of the table in docs/scaling.md. */
export function costRow(fleet: Fleet): string {
  const { shards, pushMs, parts, total, perDevice } = monthlyCost(fleet);
  const dollars = Object.values(parts).map((part) => part.toFixed(0));
  const { devices, series, pushSeconds } = fleet;
  return `| ${[devices, series, `${pushSeconds} s`, shards, pushMs.toFixed(1), ...dollars, total.toFixed(0), `$${perDevice.toFixed(3)}`].join(' | ')} |`;
}

/** A row of the table in infra/deploy.md, for devices of 100 series. */
export function shortCostRow({ devices, pushSeconds }: Pick<Fleet, 'devices' | 'pushSeconds'>): string {
  const { shards, total, perDevice } = monthlyCost({ devices, series: 100, pushSeconds });
  const cells = [devices.toLocaleString('en-US'), `${pushSeconds} s`, Math.round(devices / pushSeconds).toLocaleString('en-US'), shards];
  return `| ${[...cells, Math.round(total).toLocaleString('en-US'), perDevice.toFixed(3)].join(' | ')} |`;
}

export const tabulated: readonly Fleet[] = [100, 1000].flatMap((series) =>
  [60, 15].flatMap((pushSeconds) => [1_000, 10_000, 100_000].map((devices) => ({ devices, series, pushSeconds }))),
);
