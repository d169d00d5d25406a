import { describe, expect, it } from 'vitest';
import { NOW } from '../fakes/worker.ts';
import { type Device, World, type WorldOptions } from './world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** All that the device scraped is at the receiver, at the times at which it really happened, but `without`. */
function expectExact(world: World, device: Device, without: readonly number[] = []): void {
  const want = [...device.scraped].filter(([value]) => !without.includes(value));
  expect([...world.arrived(device.name)].sort(([a], [b]) => a - b)).toEqual(want);
}

async function expectNothingRefused(world: World): Promise<void> {
  expect(world.rig.receiver.requests.filter(({ status }) => status >= 300)).toEqual([]);
  expect(world.rig.receiver.silentlyDropped).toBe(0);
  expect(await world.rig.deadKeys()).toEqual([]);
}

describe.each([{ kind: 'thanos' }, { kind: 'prometheus' }] satisfies WorldOptions[])('towards $kind', (options) => {
  const skews: readonly [name: string, skewMs: number, latencyMs: number][] = [
    ['in 1970', -NOW, 0],
    ['a week behind', -7 * DAY, 0],
    ['two hours ahead', 2 * HOUR, 0],
    ['a week behind, 10 s round trips', -7 * DAY, 5_000],
    ['two hours ahead, 10 s round trips', 2 * HOUR, 5_000],
    ['right, 10 s round trips', 0, 5_000],
  ];
  it.each(skews)('a device %s: right times, and nothing lost of the device beside it', async (_name, skewMs, latencyMs) => {
    const world = new World(options);
    const right = await world.device('right');
    const wrong = await world.device('wrong', skewMs);
    wrong.latencyMs = latencyMs;
    await world.live(4);
    await world.pass(150_000);
    expectExact(world, right);
    expectExact(world, wrong);
    expect(wrong.corrected).toBe(skewMs !== 0);
    await expectNothingRefused(world);
  });

  it.each([
    ['back', -2 * HOUR],
    ['ahead', 2 * HOUR],
  ])('a right clock that is set %s in the middle of a boot', async (_name, stepMs) => {
    const world = new World(options);
    const device = await world.device('gw-1');
    const right = await world.device('right');
    await world.live(2);
    device.clock.skewMs += stepMs;
    await world.live(4);
    await world.pass(150_000);
    expectExact(world, right);
    expectExact(world, device);
    await expectNothingRefused(world);
  });

  it('a wrong clock that is set right in the middle of a boot, before and after the edge was met', async () => {
    const world = new World(options);
    const before = await world.device('before', -NOW);
    const after = await world.device('after', -NOW);
    before.offline = true;
    await world.live(2);
    for (const device of [before, after]) device.clock.skewMs = 0;
    before.offline = false;
    await world.live(6);
    await world.pass(150_000);
    for (const device of [before, after]) expectExact(world, device);
    await expectNothingRefused(world);
  });

  it('two boots before the edge is ever met: what cannot be placed is set aside, the rest is right', async () => {
    const world = new World(options);
    const right = await world.device('right');
    const lost = await world.device('lost', -NOW);
    const sound = await world.device('sound');
    for (const device of [lost, sound]) device.offline = true;
    await world.live(2);
    for (const device of [lost, sound]) await device.reboot();
    await world.live(2);
    for (const device of [lost, sound]) device.offline = false;
    await world.live(4);
    await world.pass(400_000);
    expectExact(world, right);
    expectExact(world, sound);
    // Eight scrapes of a boot in 1970 that met nobody.
    expectExact(world, lost, [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(lost.metrics.values.get('agent_lite_push_set_aside_records_total{"reason":"unplaceable"}')).toBe(8);
    await expectNothingRefused(world);
  });

  it('three days of suspend, with a clock in 1970', async () => {
    const world = new World(options);
    const device = await world.device('gw-1', -NOW);
    await world.live(2);
    device.clock.suspend();
    await world.pass(3 * DAY, 600_000);
    device.clock.resume();
    await world.live(2);
    await world.pass(150_000);
    expectExact(world, device);
    await expectNothingRefused(world);
  });
});

describe('the edge against the receiver’s Date', () => {
  it.each([
    ['an hour behind', -HOUR],
    ['two hours ahead', 2 * HOUR],
    ['in 1970', -NOW],
  ])('an edge %s ruins no right device, and a wrong one waits', async (_name, edgeSkewMs) => {
    const world = new World({ edgeSkewMs });
    const right = await world.device('right');
    const wrong = await world.device('wrong', -7 * DAY);
    await world.live(4);
    await world.pass(120_000);
    expectExact(world, right);
    expect(right.corrected).toBe(false);
    expect(world.rig.value('relay_clock_offset_seconds')).toBeCloseTo(-edgeSkewMs / 1000, -1);
    // Nobody can say what time it is: kept, not guessed.
    expect(world.arrived('wrong').size).toBe(0);
    expect(wrong.backlog).toBe(wrong.scraped.size);
    // Somebody sets the edge's clock.
    world.rig.clock.stepWall(-edgeSkewMs);
    await world.live(2);
    await world.pass(900_000);
    expectExact(world, right);
    expectExact(world, wrong);
    await expectNothingRefused(world);
  });

  it('a receiver with a wrong clock moves nobody’s times', async () => {
    const world = new World({ kind: 'thanos', receiverSkewMs: 2 * HOUR });
    const right = await world.device('right');
    await world.live(4);
    await world.pass(120_000);
    expectExact(world, right);
    expect(right.corrected).toBe(false);
    await expectNothingRefused(world);
  });

  it('four minutes between them are no dispute', async () => {
    const world = new World({ receiverSkewMs: -240_000 });
    const wrong = await world.device('wrong', -7 * DAY);
    await world.live(3);
    await world.pass(120_000);
    expectExact(world, wrong);
    await expectNothingRefused(world);
  });
});
