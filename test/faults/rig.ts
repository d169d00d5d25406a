import { snappyUncompress } from '../../contract/snappy.ts';
import { decodeDeadLetter } from '../../functions/dead-letter.ts';
import { World, type WorldOptions } from '../chain/world.ts';
import { TENANT } from '../fakes/commit-requests.ts';
import { decodeWriteRequest } from '../fakes/remote-write.ts';
import { type Account, LossError } from './account.ts';
import { type DeviceOptions, FaultDevice } from './device.ts';
import { type Evidence, Ledger, type SeenSeries } from './ledger.ts';

const SCRAPE_MS = 15_000;
/** Of virtual time, for everything to arrive once all is well again: several of the longest `Retry-After`. */
const SETTLE_MS = 4 * 3_600_000;
const MAX_DECODED_BYTES = 32 * 1024 * 1024;

/**
 * The whole way in one process and on one clock that the round moves: devices (real log and pusher) -> the real Worker and shard on
 * faked storage -> a strict receiver, and the ledger of what the targets handed out.
 *
 * @example
 * const rig = new FaultRig();
 * const device = await rig.device({ name: 'gw-1' });
 * await rig.live(20);
 * await device.kill();
 * await device.start();
 * return rig.settle();
 */
export class FaultRig {
  readonly world: World;
  readonly ledger = new Ledger();
  readonly devices: FaultDevice[] = [];
  readonly #windowMs: number;

  constructor(options: WorldOptions = {}) {
    this.world = new World(options);
    this.#windowMs = options.windowMs ?? 0;
  }

  async device(options: DeviceOptions): Promise<FaultDevice> {
    const device = new FaultDevice(this.world, this.ledger, options, this.devices.length + 1);
    await device.start();
    this.devices.push(device);
    return device;
  }

  /** Every device that runs is scraped so many times, by default each 15 s. */
  async live(scrapes: number, intervalMs = SCRAPE_MS): Promise<void> {
    for (let i = 0; i < scrapes; i++) {
      for (const device of this.devices) await device.scrape();
      await this.world.pass(intervalMs, SCRAPE_MS);
    }
  }

  /** The cron trigger: each minute every shard is woken. */
  async watchdog(): Promise<never> {
    const { fleet, rig } = this.world;
    for (;;) {
      await rig.clock.sleep(60_000);
      for (const { core } of fleet?.shards.values() ?? [rig]) void core.poke().catch(() => undefined);
    }
  }

  /** Lets time go by until nothing waits any more that can be sent, and gives the account. Rejects where something waits for ever. */
  async settle(more: Partial<Evidence> = {}): Promise<Account> {
    for (let passed = 0; passed < SETTLE_MS && this.#waits() !== undefined; passed += 60_000) await this.world.pass(60_000, SCRAPE_MS);
    await this.world.pass(5_000, 1000);
    const account = await this.account(more);
    const waits = this.#waits();
    if (waits === undefined) return account;
    const text = `expected everything to have arrived ${SETTLE_MS / 3_600_000} h after all was well again, but there is no end: ${waits}`;
    throw new LossError(text, account);
  }

  #waits(): string | undefined {
    const device = this.devices.find(({ backlog }) => backlog > 0);
    if (device !== undefined) return `${device.backlog} scrapes wait on ${device.name} (${device.pusher.status().error ?? 'no error'})`;
    const objects = this.world.value('relay_buffer_objects');
    return objects > 0 ? `${objects} objects wait in the bucket for the receiver` : undefined;
  }

  /** As it is now. `more` replaces parts of the evidence. */
  async account(more: Partial<Evidence> = {}): Promise<Account> {
    const waiting = (await Promise.all(this.devices.map((device) => device.waiting()))).flat();
    return this.ledger.account({
      delivered: this.delivered(),
      deadLetters: await this.deadLetters(),
      waiting,
      droppedScrapes: this.devices.reduce((sum, device) => sum + device.counted('evicted'), 0),
      anyOrder: this.#windowMs > 0,
      duplicated: this.duplicated(),
      refused: this.refused(),
      ...more,
    });
  }

  delivered(): readonly SeenSeries[] {
    return [...this.world.rig.receiver.tenant(TENANT).series.values()];
  }

  async deadLetters(): Promise<readonly SeenSeries[]> {
    const found: SeenSeries[] = [];
    for (const key of await this.world.rig.deadKeys()) {
      const bytes = await this.world.rig.bucket.get(key);
      if (bytes === undefined) continue;
      found.push(...decodeWriteRequest(snappyUncompress(decodeDeadLetter(bytes).block, MAX_DECODED_BYTES)).series);
    }
    return found;
  }

  /** Samples that the receiver was sent and had already. */
  duplicated(): number {
    const { receiver } = this.world.rig;
    const taken = receiver.requests.filter(({ status }) => status < 300).reduce((sum, { samples }) => sum + samples, 0);
    const kept = receiver.tenants.reduce((sum, name) => sum + receiver.tenant(name).samples, 0);
    return Math.max(0, taken - kept);
  }

  refused(): number {
    const refused = this.world.rig.receiver.requests.filter(({ status }) => status >= 400 && status < 500);
    return refused.reduce((sum, { samples }) => sum + samples, 0);
  }
}
