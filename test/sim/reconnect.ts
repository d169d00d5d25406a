import { afterMs, backoffMs, catchUpMs, UNHEARD_LONGEST_MS, untilNextSlotMs } from '../../agent-lite/push/backoff.ts';
import type { CommitResult, Fragment, Moved, OutgoingFragment } from '../../functions/model.ts';
import { push } from '../fakes/commit-requests.ts';
import { SimClock } from './clock.ts';
import { type Operations, SimShard } from './edge.ts';
import type { SimOptions } from './options.ts';

/** The fleet at one moment; times are ms after the outage ended. */
export interface SimMoment {
  readonly atMs: number;
  /** Scrapes that the edge has not acknowledged, in samples. */
  readonly onDevices: number;
  /** Acknowledged and not delivered, in samples. */
  readonly atEdge: number;
  /** Requests under way, between a device and the answer to it. */
  readonly inFlight: number;
  /** Those of them that wait for a shard's thread. */
  readonly waiting: number;
  readonly refusals: number;
  readonly deliveredSamples: number;
  /** Age of the newest delivered sample of the device that is the furthest behind. */
  readonly stalestMs: number;
  readonly medianMs: number;
}

export interface SimResult {
  readonly options: SimOptions;
  readonly moments: readonly SimMoment[];
  /** By reason, after the outage. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly pushes: number;
  /** Samples. */
  readonly acknowledged: number;
  readonly delivered: number;
  /** Delivered not in the order of the device's log: must stay 0. */
  readonly disorder: number;
  /** After the outage: when the last device was acknowledged for the first time; when no device had a backlog; when all was delivered. */
  readonly allHeardMs: number | undefined;
  readonly devicesDoneMs: number | undefined;
  readonly recoveredMs: number | undefined;
  /** Longest time from a scrape after the outage to its delivery. */
  readonly freshWaitMs: number;
  /** Of all shards, from the first push to the last. */
  readonly commits: number;
  readonly operations: Operations;
}

interface SimDevice {
  readonly name: string;
  readonly shard: number;
  readonly phase: number;
  /** Its scrapes that are acknowledged. */
  position: number;
  failures: number;
  /** Time of the newest scrape that was delivered, ms. */
  newestMs: number;
  /** Acknowledged for the first time after the outage. */
  heard: boolean;
  /** Its backlog was gone once since then. */
  caughtUp: boolean;
}

const START = 1_700_000_000_000;
const BLOCK = new Uint8Array(1 << 20);
/** As assemble.ts cuts. */
const SLICE_MS = 30 * 60_000;
/** As pusher.ts bounds a push. */
const MAX_CELLS = 100_000;
const SETTLE_INTERVALS = 3;
const DRAIN_MS = 3_600_000;

/** Devices in step for three intervals, then nobody reaches the edge, then all of them come back. */
export async function simulateReconnect(options: SimOptions, observe: (moment: SimMoment) => void = () => undefined): Promise<SimResult> {
  const clock = new SimClock(START, options.seed);
  const downFrom = START + SETTLE_INTERVALS * options.pushMs;
  const backAt = downFrom + options.outageMs;
  const fleet = new Fleet(clock, options, downFrom, backAt);
  await clock.runUntil(backAt);
  const moments: SimMoment[] = [];
  const step = (): number => (clock.now() < backAt + 300_000 ? 15_000 : 60_000);
  let recoveredMs: number | undefined;
  while (clock.now() < backAt + options.limitMs) {
    await clock.runUntil(clock.now() + step());
    const moment = fleet.moment();
    moments.push(moment);
    observe(moment);
    // Live data are always on their way: what is older than two pushes is the backlog.
    if (moment.stalestMs <= 2 * options.pushMs + 15_000 && fleet.devicesDoneMs !== undefined && fleet.oldestAtEdgeMs() < 15_000) {
      recoveredMs = moment.atMs;
      break;
    }
  }
  fleet.over = true;
  // What is on its way gets there; what is still on devices stays.
  await clock.runUntil(clock.now() + DRAIN_MS);
  return { options, moments, recoveredMs, ...fleet.account() };
}

const NO_OPERATIONS: Operations = { puts: 0, gets: 0, rowsWritten: 0, rowsRead: 0, alarms: 0, posts: 0 };
const add = (a: Operations, b: Operations): Operations => ({
  puts: a.puts + b.puts,
  gets: a.gets + b.gets,
  rowsWritten: a.rowsWritten + b.rowsWritten,
  rowsRead: a.rowsRead + b.rowsRead,
  alarms: a.alarms + b.alarms,
  posts: a.posts + b.posts,
});

class Fleet {
  over = false;
  allHeardMs: number | undefined;
  devicesDoneMs: number | undefined;
  readonly #clock: SimClock;
  readonly #o: SimOptions;
  readonly #downFrom: number;
  readonly #backAt: number;
  readonly #devices: readonly SimDevice[];
  readonly #byName: ReadonlyMap<string, SimDevice>;
  readonly #shards: readonly SimShard[];
  readonly #refusals: Record<string, number> = {};
  #heard = 0;
  #behind: number;
  #inFlight = 0;
  #pushes = 0;
  #acknowledged = 0;
  #delivered = 0;
  #disorder = 0;
  #freshWaitMs = 0;

  constructor(clock: SimClock, options: SimOptions, downFrom: number, backAt: number) {
    this.#clock = clock;
    this.#o = options;
    this.#downFrom = downFrom;
    this.#backAt = backAt;
    const shards = options.windowMs > 0 ? options.shards : 1;
    this.#shards = Array.from({ length: shards }, (_, i) => new SimShard(i, clock, options, (some) => this.#arrived(some)));
    this.#devices = Array.from({ length: options.devices }, (_, i) => ({
      name: `device-${i}`,
      shard: i % shards,
      phase: clock.random(),
      position: 0,
      failures: 0,
      newestMs: START,
      heard: false,
      caughtUp: false,
    }));
    this.#byName = new Map(this.#devices.map((device) => [device.name, device]));
    this.#behind = options.devices;
    for (const device of this.#devices) void this.#run(device);
  }

  async #run(device: SimDevice): Promise<void> {
    await this.#clock.sleep(device.phase * this.#o.pushMs);
    while (!this.over) await this.#clock.sleep(await this.#turn(device));
  }

  /** As pusher.ts: what to do, and how long to wait then. */
  async #turn(device: SimDevice): Promise<number> {
    const clock = this.#clock;
    const { pushMs, series, linkMs } = this.#o;
    const scraped = this.#scrapes(device, clock.now());
    const to = Math.min(scraped, device.position + Math.max(1, Math.floor(MAX_CELLS / series)));
    if (to > device.position) {
      const sentMs = clock.now();
      if (sentMs >= this.#downFrom && sentMs < this.#backAt) {
        await clock.sleep(linkMs);
        return backoffMs(++device.failures, clock, UNHEARD_LONGEST_MS);
      }
      const result = await this.#send(device, to);
      if (result.kind !== 'stored') {
        device.failures++;
        const seconds = Math.max(1, Math.ceil((result.kind === 'busy' ? result.retryAfterMs : 0) / 1000));
        return afterMs(seconds * 1000, true, clock);
      }
      device.failures = 0;
      this.#acknowledged += (to - device.position) * series;
      device.position = to;
      this.#heardOf(device, sentMs);
      if (to < scraped) return catchUpMs(clock.now() - sentMs, clock);
      this.#caughtUp(device);
    }
    return untilNextSlotMs(clock.now(), device.phase, pushMs, clock);
  }

  async #send(device: SimDevice, to: number): Promise<CommitResult | Moved> {
    const { linkMs, linkBytesPerSample, linkBytesPerSecond, series } = this.#o;
    const from = device.position;
    const bytes = (to - from) * series * linkBytesPerSample;
    this.#inFlight++;
    this.#pushes++;
    await this.#clock.sleep(linkMs / 2 + (bytes / linkBytesPerSecond) * 1000);
    const request = push({ device: device.name, from, to, fragments: this.#fragments(device, from, to) });
    const result = await (this.#shards[device.shard] as SimShard).commit(request);
    await this.#clock.sleep(linkMs / 2);
    this.#inFlight--;
    if (result.kind === 'busy' && this.#clock.now() >= this.#backAt) {
      this.#refusals[result.reason] = (this.#refusals[result.reason] ?? 0) + 1;
    }
    return result;
  }

  /** Cut by half hours, then by samples. */
  #fragments(device: SimDevice, from: number, to: number): readonly Fragment[] {
    const { scrapeMs, series, blockBytesPerSample, rawBytesPerSample } = this.#o;
    const perSlice = Math.max(1, Math.floor(SLICE_MS / scrapeMs));
    const out: Fragment[] = [];
    for (let first = from; first < to; first += perSlice) {
      const scrapes = Math.min(perSlice, to - first);
      const seriesEach = Math.max(1, Math.floor(2000 / scrapes));
      for (let left = series; left > 0; left -= seriesEach) {
        const some = Math.min(left, seriesEach);
        const samples = some * scrapes;
        const minMs = this.#timeOf(device, first);
        const maxMs = this.#timeOf(device, first + scrapes - 1);
        const block = BLOCK.subarray(0, Math.ceil(samples * blockBytesPerSample));
        out.push({ block, rawBytes: Math.ceil(samples * rawBytesPerSample), samples, series: some, minMs, maxMs });
      }
    }
    return out;
  }

  /** Scrapes that the device has at a time. */
  #scrapes({ phase }: SimDevice, ms: number): number {
    return Math.max(0, Math.floor((ms - START) / this.#o.scrapeMs - phase) + 1);
  }

  #timeOf({ phase }: SimDevice, scrape: number): number {
    return START + Math.ceil((scrape + phase) * this.#o.scrapeMs);
  }

  #arrived(fragments: readonly OutgoingFragment[]): void {
    const now = this.#clock.now();
    for (const fragment of fragments) {
      const { device: name, samples, minMs, maxMs } = fragment as OutgoingFragment & { readonly device: string };
      const device = this.#byName.get(name) as SimDevice;
      this.#delivered += samples;
      // Fragments of one slice have the same times; an earlier slice must not come after a later one.
      if (minMs < device.newestMs && maxMs < device.newestMs) this.#disorder++;
      device.newestMs = Math.max(device.newestMs, maxMs);
      if (maxMs >= this.#backAt) this.#freshWaitMs = Math.max(this.#freshWaitMs, now - Math.max(minMs, this.#backAt));
    }
  }

  #heardOf(device: SimDevice, sentMs: number): void {
    if (device.heard || sentMs < this.#backAt) return;
    device.heard = true;
    if (++this.#heard === this.#o.devices) this.allHeardMs = this.#clock.now() - this.#backAt;
  }

  #caughtUp(device: SimDevice): void {
    if (!device.heard || device.caughtUp) return;
    device.caughtUp = true;
    if (--this.#behind === 0) this.devicesDoneMs = this.#clock.now() - this.#backAt;
  }

  /** How long ago the oldest of what the edge holds was stored. */
  oldestAtEdgeMs(): number {
    return Math.max(...this.#shards.map(({ core }) => (core.metrics().values['relay_buffer_oldest_age_seconds'] ?? 0) * 1000));
  }

  moment(): SimMoment {
    const now = this.#clock.now();
    const ages = this.#devices.map(({ newestMs }) => now - newestMs).sort((a, b) => a - b);
    return {
      atMs: now - this.#backAt,
      onDevices: this.#scraped() - this.#acknowledged,
      atEdge: Math.max(0, this.#acknowledged - this.#delivered),
      inFlight: this.#inFlight,
      waiting: this.#shards.reduce((sum, { waiting }) => sum + waiting, 0),
      refusals: Object.values(this.#refusals).reduce((sum, count) => sum + count, 0),
      deliveredSamples: this.#delivered,
      stalestMs: ages.at(-1) ?? 0,
      medianMs: ages[ages.length >> 1] ?? 0,
    };
  }

  #scraped(): number {
    const now = this.#clock.now();
    return this.#devices.reduce((sum, device) => sum + this.#scrapes(device, now), 0) * this.#o.series;
  }

  account() {
    return {
      refusals: this.#refusals,
      pushes: this.#pushes,
      acknowledged: this.#acknowledged,
      delivered: this.#delivered,
      disorder: this.#disorder,
      allHeardMs: this.allHeardMs,
      devicesDoneMs: this.devicesDoneMs,
      freshWaitMs: this.#freshWaitMs,
      commits: this.#shards.reduce((sum, { core }) => sum + (core.metrics().values['relay_commits_total'] ?? 0), 0),
      operations: this.#shards.reduce((sum, { operations }) => add(sum, operations), NO_OPERATIONS),
    };
  }
}
