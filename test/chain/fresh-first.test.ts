import { describe, expect, it } from 'vitest';
import { type Device, World, type WorldOptions } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SCRAPE_MS = 15_000;

/** A world with one device that has been offline for two hours, its link slow enough that its backlog takes minutes. */
async function afterTwoHours(options: WorldOptions): Promise<{ readonly world: World; readonly device: Device }> {
  const world = new World(options);
  // Ten scrapes a push, four seconds a request.
  const device = await world.device('gw-1', 0, { cellsPerPush: 60, latencyMs: 2_000 });
  await world.live(2);
  device.offline = true;
  for (let i = 0; i < (2 * HOUR) / SCRAPE_MS; i++) {
    await device.scrape();
    await world.pass(SCRAPE_MS, SCRAPE_MS);
  }
  device.offline = false;
  return { world, device };
}

/** One more scrape, and the time until the next. */
async function scrapeOnce(world: World, device: Device): Promise<void> {
  await device.scrape();
  await world.pass(SCRAPE_MS);
}

const newestAge = (world: World, device: Device): number => world.truth - Math.max(...world.arrived(device.name).values());

/** Until nothing waits, an hour at most. */
async function catchUp(world: World, device: Device): Promise<void> {
  for (let i = 0; i < HOUR / SCRAPE_MS && device.backlog > 4; i++) await scrapeOnce(world, device);
  await world.pass(3 * MINUTE);
}

async function expectComplete(world: World, device: Device): Promise<void> {
  expect([...world.arrived(device.name)].sort(([a], [b]) => a - b)).toEqual([...device.scraped]);
  expect(world.rig.receiver.requests.filter(({ status }) => status >= 300)).toEqual([]);
  expect(world.rig.receiver.silentlyDropped).toBe(0);
  expect(await world.rig.deadKeys()).toEqual([]);
}

describe.each([{ kind: 'thanos' }, { kind: 'prometheus' }] satisfies WorldOptions[])(
  'a device after two hours offline, towards $kind',
  (kind) => {
    it('window 4 h: its newest sample is at the receiver within two minutes, and then the backlog, complete', async () => {
      const { world, device } = await afterTwoHours({ ...kind, windowMs: 4 * HOUR });
      let freshAfterMs: number | undefined;
      for (let ms = 0; ms < 2 * MINUTE && freshAfterMs === undefined; ms += SCRAPE_MS) {
        await scrapeOnce(world, device);
        if (newestAge(world, device) < MINUTE) freshAfterMs = ms + SCRAPE_MS;
      }
      expect(freshAfterMs).toBeLessThanOrEqual(2 * MINUTE);
      expect(device.behind).toBeGreaterThan(300);
      // It stays so while the backlog is on its way.
      let oldest = 0;
      for (let i = 0; i < 8; i++) {
        await scrapeOnce(world, device);
        oldest = Math.max(oldest, newestAge(world, device));
      }
      expect(device.behind).toBeGreaterThan(100);
      expect(oldest).toBeLessThan(MINUTE + 2 * SCRAPE_MS);
      await catchUp(world, device);
      expect(device.behind).toBe(0);
      await expectComplete(world, device);
    });

    it('window 4 h, and it loses its power in the middle of the backlog: still complete', async () => {
      const { world, device } = await afterTwoHours({ ...kind, windowMs: 4 * HOUR });
      for (let i = 0; i < 12; i++) await scrapeOnce(world, device);
      expect(device.behind).toBeGreaterThan(100);
      // The answer to the request that is under way is not heard any more.
      const rebooted = device.reboot();
      await world.pass(10_000);
      await rebooted;
      await catchUp(world, device);
      await expectComplete(world, device);
    });

    it('no window: strictly in order, nothing refused', async () => {
      const { world, device } = await afterTwoHours({ ...kind, windowMs: 0 });
      for (let i = 0; i < 16; i++) {
        await scrapeOnce(world, device);
        expect(device.behind).toBe(0);
        const values = [...world.arrived(device.name).keys()];
        expect(values).toEqual(values.map((_, n) => n + 1));
      }
      await catchUp(world, device);
      await expectComplete(world, device);
    });
  },
);
