import { deflateSync } from 'node:zlib';
import { type Clock, type HttpClient, HttpError, type HttpRequest, type HttpResponse } from '../../agent-lite/model.ts';
import type { ClockStore } from '../../agent-lite/push/clock-correction.ts';
import { createPusher, type Pusher } from '../../agent-lite/push/pusher.ts';
import { MemoryStore } from '../../agent-lite/wal/memory-store.ts';
import type { Log } from '../../agent-lite/wal/options.ts';
import { labelValue } from '../../contract/labels.ts';
import type { SeriesTable } from '../../contract/series-table.ts';
import type { RelayConfig, ShardConfig } from '../../functions/config/types.ts';
import type { ObjectStore, ShardStub } from '../../functions/model.ts';
import type { ShardCore } from '../../functions/shard/core.ts';
import { scrape, tableOf, target } from '../agent-lite/push/scrapes.ts';
import { ManualClock, settle } from '../fakes/clock.ts';
import { TENANT } from '../fakes/commit-requests.ts';
import { FleetRig } from '../fakes/fleet-rig.ts';
import { FakeLogger } from '../fakes/logger.ts';
import { relayConfig, withReceiver } from '../fakes/relay-config.ts';
import { ShardRig } from '../fakes/shard-rig.ts';
import { CountingMetrics, logWorld } from '../fakes/wal.ts';
import { type Body, NOW, TestEdge } from '../fakes/worker.ts';

/** The whole way in one process: real log and pusher, the real Worker, a real shard, a strict receiver; every clock can be wrong. */

export interface WorldOptions {
  readonly kind?: 'thanos' | 'prometheus';
  readonly windowMs?: number;
  /** The edge's clock minus the truth, ms. */
  readonly edgeSkewMs?: number;
  readonly receiverSkewMs?: number;
  /** Of a tenant with a fleet of real shards; default: one, whatever it is called. */
  readonly shards?: number;
  readonly shard?: Partial<ShardConfig>;
  /** Of a shard on its way to the receiver, ms. */
  readonly latencyMs?: (shard: string) => number;
  readonly bucket?: (now: () => number) => ObjectStore;
  /** Longest wait between two tries at the receiver; default 5 s. */
  readonly maxBackoffMs?: number;
  /** An instance takes with it what it has not synced. */
  readonly losesUnsynced?: boolean;
  /** The Worker keeps its tables in the bucket of the shards too, and so meets its faults. */
  readonly oneBucket?: boolean;
}

const STEP_MS = 500;
/** Of real time, for work that waits for no clock. */
const WORK_MS = 60_000;
const table = await tableOf('m');

export class World {
  /** The shard; of a fleet what its shards have in common. */
  readonly rig: ShardRig;
  readonly fleet: FleetRig | undefined;
  /** Of the first Worker. */
  readonly config: RelayConfig;
  /** The Worker that takes requests now. */
  edge: TestEdge;
  /** Which instance a call reaches; not of a fleet. */
  core: () => ShardCore = () => this.rig.core;
  readonly devices: Device[] = [];
  readonly #bootAtStart: number;
  /** Requests that are at work, and do not wait for a clock: only real time passes for them. */
  #working = 0;

  constructor({ kind = 'prometheus', windowMs = 0, edgeSkewMs = 0, receiverSkewMs = 0, ...options }: WorldOptions = {}) {
    const { shards, shard = {}, latencyMs = () => 0, bucket, oneBucket = false, losesUnsynced = false, maxBackoffMs = 5_000 } = options;
    const receivers = [{ name: 'main', queue: { maxBackoffMs } }];
    const receiverNow = (): number => this.truth + receiverSkewMs;
    const receiver = { kind, now: receiverNow, tellsDate: true };
    this.fleet =
      shards === undefined ? undefined : new FleetRig({ receiver, window: windowMs, shard, latencyMs, losesUnsynced, receivers });
    const onlyRig = (): ShardRig =>
      new ShardRig({
        ...{ receiver: { ...receiver, sleep: (ms: number) => this.rig.clock.sleep(ms) }, window: windowMs, shard },
        latencyMs: () => latencyMs(''),
        losesUnsynced,
        receivers,
        ...(bucket === undefined ? {} : { bucket }),
      });
    this.rig = this.fleet?.hub ?? onlyRig();
    // The shard's clock is the edge's; its boot clock drives the world.
    const { clock } = this.rig;
    this.#bootAtStart = clock.boot();
    clock.stepWall(NOW + edgeSkewMs - clock.now());
    const config = { ...relayConfig, shard: { ...relayConfig.shard, ...shard, ...(shards === undefined ? {} : { shards }) } };
    const store = this.fleet !== undefined || oneBucket ? this.rig.store : undefined;
    this.config = withReceiver(config, { outOfOrderTimeWindowMs: windowMs });
    this.edge = this.#worker(this.config, store);
  }

  /** Another Worker before the same shards, say of a new version; {@link edge} is the one that is asked. */
  worker(config: RelayConfig): TestEdge {
    return this.#worker(config, this.edge.store);
  }

  #worker(config: RelayConfig, store: ObjectStore | undefined): TestEdge {
    const now = (): number => this.rig.clock.now();
    return new TestEdge({ config, now, shardStub: (name) => this.#stub(name), ...(store === undefined ? {} : { store }) });
  }

  /** Of all shards. */
  value(name: string): number {
    return this.fleet?.sum(name) ?? this.rig.value(name);
  }

  get truth(): number {
    return NOW + this.rig.clock.boot() - this.#bootAtStart;
  }

  /** A device's clock is `skewMs` ahead of the truth. */
  async device(name: string, skewMs = 0, settings: Partial<Pick<Device, 'latencyMs' | 'cellsPerPush'>> = {}): Promise<Device> {
    const device = Object.assign(new Device(this, name, skewMs), settings);
    await device.start();
    this.devices.push(device);
    return device;
  }

  /** Goes from event to event, so that a request takes no time but its latency and the shard's. */
  async pass(ms: number, most = STEP_MS): Promise<void> {
    for (let left = ms; left > 0; ) {
      const step = Math.max(0.001, Math.min(left, most, this.rig.clock.untilNext ?? most));
      await (this.fleet ?? this.rig).pass(step, step);
      left -= step;
      for (const deadline = performance.now() + WORK_MS; this.#working > 0; ) {
        await new Promise((resolve) => setImmediate(resolve));
        if (performance.now() > deadline)
          throw new Error(`expected requests to wait for a clock or to end, got ${this.#working} that do neither`);
      }
      await settle();
    }
  }

  /** The edge's answer to a device's request. */
  async request(device: string, path: string, init: RequestInit): Promise<HttpResponse> {
    return this.held(async () => {
      const authorization = await this.edge.token(TENANT, device);
      const response = await this.edge.fetch(path, { ...init, headers: { ...init.headers, authorization } });
      const body = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, headers: Object.fromEntries(response.headers), body };
    });
  }

  /** Lets minutes go by; every device that is awake scrapes each 15 s. */
  async live(minutes: number): Promise<void> {
    for (let i = 0; i < minutes * 4; i++) {
      for (const device of this.devices) await device.scrape();
      await this.pass(15_000);
    }
  }

  /** Times of a device at the receiver by the value of the sample. */
  arrived(device: string): ReadonlyMap<number, number> {
    const times = new Map<number, number>();
    for (const { labels, samples } of this.rig.receiver.tenant(TENANT).series.values()) {
      if (labelValue(labels, 'device') !== device || labelValue(labels, '__name__') !== 'm') continue;
      for (const { ms, bits } of samples) times.set(new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0, ms);
    }
    return times;
  }

  /** Real I/O, during which time stands still. */
  async held<T>(work: () => Promise<T>): Promise<T> {
    this.#working++;
    try {
      return await work();
    } finally {
      this.#working--;
    }
  }

  /** Within what is held: work that waits for the clock. */
  async released<T>(work: () => Promise<T>): Promise<T> {
    this.#working--;
    try {
      return await work();
    } finally {
      this.#working++;
    }
  }

  #stub(name: string): ShardStub {
    const { rig, fleet } = this;
    const byTheClock = <T>(call: Promise<T>): Promise<T> =>
      this.released(() => (fleet === undefined ? Promise.race([call, rig.gone]) : call));
    const to = (): Omit<ShardStub, 'devices' | 'metrics' | 'count'> => fleet?.stub(name) ?? this.core();
    return {
      commit: (request) => byTheClock(to().commit(request)),
      handOver: (request) => byTheClock(to().handOver(request)),
      drained: () => byTheClock(to().drained()),
      account: (request) => byTheClock(to().account(request)),
      time: () => byTheClock(to().time()),
      poke: () => to().poke(),
      devices: async (request) => (fleet?.shard(name) ?? rig).core.devices(request),
      metrics: async () => (fleet?.shard(name) ?? rig).core.metrics(),
      count: async () => ({}),
    };
  }
}

export class MemoryClockStore implements ClockStore {
  #text: string | undefined;
  async load(): Promise<string | undefined> {
    return this.#text;
  }
  async save(text: string): Promise<void> {
    this.#text = text;
  }
}

/** One device: its disk outlives its boots. */
export class Device {
  readonly name: string;
  /** True time of each scrape, by its value. */
  readonly scraped = new Map<number, number>();
  readonly metrics = new CountingMetrics();
  readonly clock: DeviceClock;
  /** On the way there, and again on the way back, ms. */
  latencyMs = 0;
  offline = false;
  /** Of the agent's next start. */
  cellsPerPush = 100_000;
  readonly #world: World;
  readonly #store = new MemoryStore();
  readonly #clockStore = new MemoryClockStore();
  #log: Log | undefined;
  #pusher: Pusher | undefined;

  constructor(world: World, name: string, skewMs: number) {
    this.#world = world;
    this.name = name;
    this.clock = new DeviceClock(world, skewMs);
  }

  async start(): Promise<void> {
    const { clock, metrics } = this;
    const logger = new FakeLogger();
    const plain = logWorld(new ManualClock());
    this.#log = await plain.open(this.#store, { clock, segmentBytes: 64 * 1024 });
    this.#pusher = createPusher({
      ...{ url: 'http://edge', version: 'test', pushIntervalMs: 60_000, remoteTimeoutMs: 60_000, externalLabels: [] },
      maxCellsPerPush: this.cellsPerPush,
      ...{ reader: this.#log, http: this.#http(), clock, clockStore: this.#clockStore, logger, metrics },
      deflate: (bytes) => Promise.resolve(new Uint8Array(deflateSync(bytes))),
    });
    this.#pusher.start();
  }

  /** The machine goes down and, after `skewMs` was put on its clock, comes up again. */
  async reboot(skewMs = this.clock.skewMs): Promise<void> {
    const offline = this.offline;
    this.offline = true;
    await this.#pusher?.stop(0);
    await this.#log?.close();
    this.offline = offline;
    this.clock.reboot(skewMs);
    await this.start();
  }

  async scrape(series: SeriesTable = table): Promise<void> {
    if (this.clock.suspended) return;
    const value = this.scraped.size + 1;
    this.scraped.set(value, this.#world.truth);
    await this.#log?.append(scrape(this.clock, { target: target(this.name), table: series, value }));
  }

  get backlog(): number {
    return this.#pusher?.status().backlogRecords ?? 0;
  }

  /** Of the backlog, what is sent behind fresh samples. */
  get behind(): number {
    return this.#pusher?.status().behindRecords ?? 0;
  }

  get corrected(): boolean {
    return this.#pusher?.status().clockCorrected ?? false;
  }

  #http(): HttpClient {
    const request = async ({ method, url, headers, body }: HttpRequest): Promise<HttpResponse> => {
      if (this.offline) throw new HttpError('network', 'no way');
      if (this.latencyMs > 0) await this.#world.rig.clock.sleep(this.latencyMs);
      const init = { method, headers: { ...headers }, ...(body === undefined ? {} : { body: body as Body }) };
      const response = await this.#world.request(this.name, new URL(url).pathname, init);
      if (this.latencyMs > 0) await this.#world.rig.clock.sleep(this.latencyMs);
      return response;
    };
    return { request, close: () => {} };
  }
}

/** The device's own clock over the world's time. */
export class DeviceClock implements Clock {
  readonly #world: World;
  readonly #random = new ManualClock();
  #bootAt: number;
  #boots = 1;
  /** Resolved at the end of the suspend that is on. */
  #awake: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  skewMs: number;
  readonly #serial: number;

  /** `serial` tells machines apart whose cards are swapped or copied. */
  constructor(world: World, skewMs: number, serial = 0) {
    this.#world = world;
    this.#serial = serial;
    this.#bootAt = world.truth - 20_000;
    this.skewMs = skewMs;
  }

  get bootId(): string {
    return (this.#serial * 65_536 + this.#boots).toString(16).padStart(32, '0');
  }
  get suspended(): boolean {
    return this.#awake !== undefined;
  }
  now(): number {
    return this.#world.truth + this.skewMs;
  }
  /** Counts suspend, as CLOCK_BOOTTIME does. */
  boot(): number {
    return this.#world.truth - this.#bootAt;
  }
  random(): number {
    return this.#random.random();
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#world.rig.clock.sleep(ms, signal);
    await this.#awake?.promise;
  }
  suspend(): void {
    let resolve = (): void => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.#awake = { promise, resolve };
  }
  resume(): void {
    this.#awake?.resolve();
    this.#awake = undefined;
  }
  reboot(skewMs: number): void {
    this.#boots++;
    this.#bootAt = this.#world.truth;
    this.skewMs = skewMs;
  }
}
