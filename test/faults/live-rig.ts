import { readFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import { defaultHttp } from '../../agent-lite/config/defaults.ts';
import { createHttpClient } from '../../agent-lite/http/client.ts';
import { createClock } from '../../agent-lite/platform/clock.ts';
import { createPusher, type Pusher } from '../../agent-lite/push/pusher.ts';
import { MemoryStore } from '../../agent-lite/wal/memory-store.ts';
import type { Log } from '../../agent-lite/wal/options.ts';
import { labelValue } from '../../contract/labels.ts';
import { MemoryClockStore } from '../chain/world.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { type StrictReceiver, startStrictReceiver } from '../e2e/harness/ledger.ts';
import { deviceToken, EdgeUnderTest } from '../e2e/harness/stack.ts';
import { sleep } from '../e2e/harness/wait.ts';
import { ManualClock } from '../fakes/clock.ts';
import { FakeLogger } from '../fakes/logger.ts';
import { CountingMetrics, logWorld } from '../fakes/wal.ts';
import { type Account, LossError } from './account.ts';
import { Ledger, type SeenSeries, scrapeOf } from './ledger.ts';
import type { Shared } from './scenario.ts';

const SCRAPE_MS = 100;
const SETTLE_MS = 90_000;

/** The real edge as a process of its own before a strict receiver, for all rounds of a campaign. */
export class LiveRig {
  readonly edge: EdgeUnderTest;
  readonly #strict: StrictReceiver;

  private constructor(edge: EdgeUnderTest, strict: StrictReceiver) {
    this.edge = edge;
    this.#strict = strict;
  }

  static async start({ after }: Shared): Promise<LiveRig> {
    const cleanup = new Cleanup();
    after(() => cleanup.run());
    const strict = await startStrictReceiver(cleanup);
    return new LiveRig(await EdgeUnderTest.start(cleanup, strict.url), strict);
  }

  /**
   * Devices (the real log and pusher, in this process) that are scraped ten times a second and push as often as they may, while
   * `disturb` does its work. Then all that was handed out must arrive.
   */
  async round(names: readonly string[], disturb: () => Promise<void>): Promise<Account> {
    const ledger = new Ledger();
    const devices = await Promise.all(names.map((name) => LiveDevice.start(name, this.edge.url, ledger)));
    try {
      await disturb();
      for (const device of devices) await device.lastScrape();
      return await this.#settle(ledger, devices);
    } finally {
      for (const device of devices) await device.stop();
    }
  }

  async #settle(ledger: Ledger, devices: readonly LiveDevice[]): Promise<Account> {
    const names = new Set(devices.map(({ name }) => name));
    for (const deadline = performance.now() + SETTLE_MS; ; await sleep(100)) {
      try {
        const evidence = { deadLetters: [], waiting: [], droppedScrapes: 0, duplicated: 0, refused: 0 };
        return ledger.account({ ...evidence, delivered: this.#delivered(names) });
      } catch (error) {
        if (!(error instanceof LossError)) throw error;
        if (performance.now() > deadline) throw new LossError(`${error.message}\n${this.edge.program.describe()}`, error.account);
      }
    }
  }

  #delivered(names: ReadonlySet<string>): readonly SeenSeries[] {
    const { receiver } = this.#strict;
    const all = receiver.tenants.flatMap((name) => [...receiver.tenant(name).series.values()]);
    return all.filter(({ labels }) => names.has(labelValue(labels, 'instance')));
  }
}

class LiveDevice {
  readonly name: string;
  readonly #log: Log;
  readonly #pusher: Pusher;
  readonly #scraping: Promise<void>;
  #stopped = false;

  private constructor(name: string, log: Log, pusher: Pusher, ledger: Ledger) {
    this.name = name;
    this.#log = log;
    this.#pusher = pusher;
    this.#scraping = this.#scrape(ledger);
  }

  static async start(name: string, url: string, ledger: Ledger): Promise<LiveDevice> {
    const clock = createClock();
    const metrics = new CountingMetrics();
    const logger = new FakeLogger();
    const log = await logWorld(new ManualClock()).open(new MemoryStore(), { clock, logger, metrics, segmentBytes: 64 * 1024 });
    await log.retainCursors(['edge']);
    const credentials = { kind: 'inline', value: await deviceToken(name) } as const;
    const http = createHttpClient({ ...defaultHttp, authorization: { type: 'Bearer', credentials } }, { readFile, clock });
    const pusher = createPusher({
      ...{ url, version: 'test', remoteTimeoutMs: 5_000, externalLabels: [], pushIntervalMs: 200 },
      ...{ reader: log, http, clock, clockStore: new MemoryClockStore(), logger, metrics },
      deflate: (bytes) => Promise.resolve(new Uint8Array(deflateSync(bytes))),
    });
    pusher.start();
    return new LiveDevice(name, log, pusher, ledger);
  }

  async #scrape(ledger: Ledger): Promise<void> {
    const clock = createClock();
    while (!this.#stopped) {
      const times = { wallMs: clock.now(), bootMs: clock.boot(), bootId: clock.bootId };
      await this.#log.append(await scrapeOf(ledger.handOut(this.name, times.wallMs), times));
      await sleep(SCRAPE_MS);
    }
  }

  async lastScrape(): Promise<void> {
    this.#stopped = true;
    await this.#scraping;
  }

  async stop(): Promise<void> {
    await this.lastScrape();
    await this.#pusher.stop(0);
    await this.#log.close();
  }
}
