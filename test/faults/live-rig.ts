import { readFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import { defaultHttp } from '../../agent-lite/config/defaults.ts';
import { createHttpClient } from '../../agent-lite/http/client.ts';
import { createClock } from '../../agent-lite/platform/clock.ts';
import { createPusher, type Pusher } from '../../agent-lite/push/pusher.ts';
import { MemoryStore } from '../../agent-lite/wal/memory-store.ts';
import type { Log } from '../../agent-lite/wal/options.ts';
import { MemoryClockStore } from '../chain/world.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { type StrictReceiver, startStrictReceiver } from '../e2e/harness/ledger.ts';
import { deviceToken, EdgeUnderTest } from '../e2e/harness/stack.ts';
import { sleep } from '../e2e/harness/wait.ts';
import { ManualClock } from '../fakes/clock.ts';
import { FakeLogger } from '../fakes/logger.ts';
import type { FakeReceiver } from '../fakes/receiver.ts';
import { CountingMetrics, logWorld } from '../fakes/wal.ts';
import { type Account, LossError, NOTHING } from './account.ts';
import { SOON_DELETED } from './device.ts';
import { type Evidence, type HandedOut, Ledger, type SeenSeries, scrapeOf } from './ledger.ts';
import type { Round, Rounds, Shared } from './scenario.ts';

const SCRAPE_MS = 100;
const SETTLE_MS = 90_000;

/** Rounds between two looks at whether everything has arrived. */
const ROUNDS_PER_LOOK = 10;

/**
 * The real edge as a process of its own before a strict receiver. Devices (the real log and pusher, in this process) are scraped ten
 * times a second and push as often as they may, all through a campaign, while its rounds do their harm to the edge.
 */
export class LiveRig {
  readonly edge: EdgeUnderTest;
  readonly #strict: StrictReceiver;
  readonly #devices: readonly LiveDevice[];
  readonly #ledger: Ledger;
  #rounds = 0;

  private constructor(edge: EdgeUnderTest, strict: StrictReceiver, devices: readonly LiveDevice[], ledger: Ledger) {
    this.edge = edge;
    this.#strict = strict;
    this.#devices = devices;
    this.#ledger = ledger;
  }

  static async start({ after }: Shared, devices: number): Promise<LiveRig> {
    const cleanup = new Cleanup();
    after(() => cleanup.run());
    const strict = await startStrictReceiver(cleanup);
    const edge = await EdgeUnderTest.start(cleanup, strict.url);
    const ledger = new Ledger();
    const started: LiveDevice[] = [];
    for (let i = 1; i <= devices; i++) started.push(await LiveDevice.start(`live-${i}`, edge.url, ledger));
    for (const device of started) cleanup.add(() => device.stop());
    return new LiveRig(edge, strict, started, ledger);
  }

  /** The rounds of a scenario: each disturbs the edge; now and then, and at the end, all that was handed out must arrive. */
  rounds(disturb: (round: Round) => Promise<void>): Rounds {
    return {
      run: async (round) => {
        await disturb(round);
        if (++this.#rounds % ROUNDS_PER_LOOK === 0) await this.#arrives();
        // The ledger keeps all of it to the end.
        return NOTHING;
      },
      finish: async () => {
        for (const device of this.#devices) await device.lastScrape();
        return this.#arrives();
      },
    };
  }

  /** What was handed out until now; what the devices scrape meanwhile is not looked at. */
  async #arrives(): Promise<Account> {
    const until = new Map(this.#devices.map(({ name }) => [name, this.#ledger.handedOutBy(name)]));
    const bound = ({ source, number }: HandedOut): string | undefined => (number > (until.get(source) ?? 0) ? 'later' : undefined);
    for (const deadline = performance.now() + SETTLE_MS; ; await sleep(200)) {
      try {
        return this.#ledger.account({ deadLetters: [], waiting: [], droppedScrapes: 0, bound, ...seen(this.#strict.receiver) });
      } catch (error) {
        if (!(error instanceof LossError)) throw error;
        if (performance.now() > deadline) throw new LossError(`${error.message}\n${this.edge.program.describe()}`, error.account);
      }
    }
  }
}

function seen(receiver: FakeReceiver): Pick<Evidence, 'delivered' | 'duplicated' | 'refused'> {
  const samplesOf = (taken: (status: number) => boolean): number =>
    receiver.requests.reduce((sum, { status, samples }) => (taken(status) ? sum + samples : sum), 0);
  const kept = receiver.tenants.reduce((sum, name) => sum + receiver.tenant(name).samples, 0);
  return {
    delivered: receiver.tenants.flatMap((name): SeenSeries[] => [...receiver.tenant(name).series.values()]),
    duplicated: Math.max(0, samplesOf((status) => status < 300) - kept),
    refused: samplesOf((status) => status >= 400 && status < 500),
  };
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
    const log = await logWorld(new ManualClock()).open(new MemoryStore(), { clock, logger, metrics, ...SOON_DELETED });
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
