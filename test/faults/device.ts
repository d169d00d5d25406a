import { deflateSync } from 'node:zlib';
import { type HttpClient, HttpError, type HttpRequest, type HttpResponse } from '../../agent-lite/model.ts';
import { createPusher, type Pusher } from '../../agent-lite/push/pusher.ts';
import type { Log, LogCounters, LogOptions, LogStatus } from '../../agent-lite/wal/options.ts';
import type { SegmentStore } from '../../agent-lite/wal/store.ts';
import { readAside } from '../../agent-lite/wal/tools/aside.ts';
import { DeviceClock, MemoryClockStore, type World } from '../chain/world.ts';
import { ManualClock } from '../fakes/clock.ts';
import { FakeLogger } from '../fakes/logger.ts';
import { UnreliableStore } from '../fakes/unreliable-store.ts';
import { CountingMetrics, compression, logWorld, sha256 } from '../fakes/wal.ts';
import type { Body } from '../fakes/worker.ts';
import { type HandedOut, identify, type Ledger, scrapeOf } from './ledger.ts';

/** A store that a killed process or a power cut leaves something of. */
export interface CardStore extends SegmentStore {
  /** What is there after a SIGKILL; the store itself is dead then. */
  kill(): Promise<CardStore>;
  /** `torn`: how many of a file's unsynced bytes are there all the same. */
  powerCut(torn?: (name: string, unsynced: number) => number): Promise<CardStore>;
  copy(): Promise<CardStore>;
}

/** What a device writes to, and what can be taken out of it, copied and put into another. */
export interface Card {
  store: CardStore;
  readonly clockStore: MemoryClockStore;
}

/** A log of few records a segment: what was acknowledged is soon gone, so an acknowledgement that should not have been is a loss. */
export const SOON_DELETED: Partial<LogOptions> = { segmentBytes: 512 };

/** What `dd` makes of it while no agent runs. */
export async function copyCard({ store, clockStore }: Card): Promise<Card> {
  const copy = newCard(await store.copy());
  const text = await clockStore.load();
  if (text !== undefined) await copy.clockStore.save(text);
  return copy;
}

export const newCard = (store: CardStore = new UnreliableStore()): Card => ({ store, clockStore: new MemoryClockStore() });

export interface DeviceOptions {
  /** In its token. */
  readonly name: string;
  /** `instance` of its target, which nobody else has. Default: the name. */
  readonly source?: string;
  readonly card?: Card;
  /** Its clock minus the truth, ms. */
  readonly skewMs?: number;
  readonly log?: Partial<LogOptions>;
  readonly pushIntervalMs?: number;
  readonly cellsPerPush?: number;
  /** Puts something real before the edge that it is given. */
  readonly http?: (edge: HttpClient) => HttpClient;
}

/** One life of the agent: what a killed one still does reaches nobody. */
interface Life {
  readonly log: Log;
  readonly pusher: Pusher;
  alive: boolean;
}

/** A device in a {@link World}: the real log and pusher, which can be killed, unplugged, and given another card. */
export class FaultDevice {
  readonly name: string;
  readonly source: string;
  readonly clock: DeviceClock;
  readonly metrics = new CountingMetrics();
  readonly logger = new FakeLogger();
  card: Card;
  offline = false;
  /** Asked before each request; what it throws is what the network does. */
  network: (request: HttpRequest) => Promise<void> = () => Promise.resolve();
  /** What something between it and the edge answers by itself; undefined: the edge is asked. */
  intercept: (request: HttpRequest) => HttpResponse | undefined = () => undefined;
  /** Asked after the edge has acted; undefined: the answer arrives. */
  loseAnswer: () => boolean = () => false;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #options: DeviceOptions;
  #life: Life | undefined;
  #past: readonly LogCounters[] = [];

  constructor(world: World, ledger: Ledger, options: DeviceOptions, serial: number) {
    this.#world = world;
    this.#ledger = ledger;
    this.#options = options;
    this.name = options.name;
    this.source = options.source ?? options.name;
    this.card = options.card ?? newCard();
    this.clock = new DeviceClock(world, options.skewMs ?? 0, serial);
  }

  get running(): boolean {
    return this.#life !== undefined;
  }

  get log(): Log {
    if (this.#life === undefined) throw new Error(`${this.name} is not running`);
    return this.#life.log;
  }

  get pusher(): Pusher {
    if (this.#life === undefined) throw new Error(`${this.name} is not running`);
    return this.#life.pusher;
  }

  async start(): Promise<void> {
    const { clock, metrics, logger, card } = this;
    // Only for what a log needs besides its clock.
    const plain = logWorld(new ManualClock());
    const log = await plain.open(card.store, { clock, logger, metrics, segmentBytes: 64 * 1024, ...this.#options.log });
    await log.retainCursors(['edge']);
    const life = { log, alive: true } as Life;
    const http = (this.#options.http ?? ((edge) => edge))(this.#http(life));
    const pusher = createPusher({
      ...{ url: 'http://edge', version: 'test', remoteTimeoutMs: 60_000, externalLabels: [] },
      ...{ pushIntervalMs: this.#options.pushIntervalMs ?? 30_000, maxCellsPerPush: this.#options.cellsPerPush ?? 100_000 },
      ...{ reader: log, http, clock, clockStore: card.clockStore, logger, metrics },
      deflate: (bytes) => Promise.resolve(new Uint8Array(deflateSync(bytes))),
    });
    this.#life = Object.assign(life, { pusher });
    pusher.start();
  }

  /** One scrape of its target, logged; the ledger knows. Nothing where no agent runs. */
  async scrape(): Promise<HandedOut | undefined> {
    if (this.#life === undefined || this.clock.suspended) return undefined;
    const { log } = this.#life;
    const times = { wallMs: this.clock.now(), bootMs: this.clock.boot(), bootId: this.clock.bootId };
    const handed = this.#ledger.handOut(this.source, this.#world.truth);
    await log.append(await scrapeOf(handed, times));
    return handed;
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    const stopped = life.pusher.stop(0);
    await this.#world.pass(1000);
    await stopped;
    this.#end();
    await life.log.close();
  }

  /** SIGKILL: what was written stays, nothing more is. */
  async kill(): Promise<void> {
    this.#end();
    this.card.store = await this.card.store.kill();
  }

  /** The power goes: `torn` says how many bytes beyond the last sync are there all the same. The next start is another boot. */
  async powerCut(torn?: (name: string, unsynced: number) => number): Promise<void> {
    this.#end();
    this.card.store = await this.card.store.powerCut(torn);
    this.clock.reboot(this.clock.skewMs);
  }

  #end(): void {
    if (this.#life === undefined) return;
    this.#past = [...this.#past, this.#life.log.status().counters];
    this.#life.alive = false;
    this.#life = undefined;
  }

  /** Of all lives. */
  counted(name: keyof LogCounters): number {
    const now = this.#life?.log.status().counters;
    return [...this.#past, ...(now === undefined ? [] : [now])].reduce((sum, counters) => sum + counters[name], 0);
  }

  status(): LogStatus {
    return this.log.status();
  }

  get backlog(): number {
    return this.#life?.pusher.status().backlogRecords ?? 0;
  }

  /** Scrapes behind the cursor, and those that the agent has set aside. */
  async waiting(): Promise<readonly Pick<HandedOut, 'source' | 'number'>[]> {
    const found: Pick<HandedOut, 'source' | 'number'>[] = [];
    const take = (scrape: Parameters<typeof identify>[0]): void => {
      const id = identify(scrape);
      if (id !== undefined) found.push(id);
    };
    if (this.#life !== undefined) {
      const { log } = this.#life;
      const streams = log.streams('edge');
      for await (const entry of log.read(log.cursor('edge').position)) {
        if (entry.kind !== 'scrape') continue;
        const { position } = entry.scrape;
        if (streams.some(({ at, end }) => position > at.position && (end === undefined || position <= end.position))) take(entry.scrape);
      }
    }
    const options = { store: this.card.store, clock: this.clock, sha256, compression };
    for (const entry of await this.card.store.list('set-aside')) {
      const aside = await readAside(entry, options);
      for (const scrape of aside?.scrapes ?? []) take(scrape);
    }
    return found;
  }

  #http(life: Life): HttpClient {
    const mayPass = (): void => {
      if (this.offline || !life.alive) throw new HttpError('network', 'connect ECONNREFUSED');
    };
    const request = async (asked: HttpRequest): Promise<HttpResponse> => {
      mayPass();
      await this.network(asked);
      const intercepted = this.intercept(asked);
      if (intercepted !== undefined) return intercepted;
      const { method, url, headers, body } = asked;
      const init = { method, headers: { ...headers }, ...(body === undefined ? {} : { body: body as Body }) };
      const response = await this.#world.request(this.name, new URL(url).pathname, init);
      mayPass();
      if (this.loseAnswer()) throw new HttpError('network', 'read ECONNRESET');
      return response;
    };
    return { request, close: () => {} };
  }
}
