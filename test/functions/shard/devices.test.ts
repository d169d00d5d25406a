import { describe, expect, it } from 'vitest';
import type { LeftOut } from '../../../functions/model.ts';
import { LeftOutByDevice } from '../../../functions/shard/left-out.ts';
import { plain, push, sampleOf } from '../../fakes/commit-requests.ts';
import { FleetRig } from '../../fakes/fleet-rig.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

const leftOut: LeftOut = { series: 3, targets: [{ target: '{job="node"}', series: 3 }] };
const NOTHING: LeftOut = { series: 0, targets: [] };

async function commit(rig: ShardRig, ...requests: readonly Parameters<ShardRig['core']['commit']>[0][]): Promise<void> {
  const results = requests.map((request) => rig.core.commit(request));
  await rig.pass(300);
  await Promise.all(results);
}

describe('what a shard tells of its devices', () => {
  it('is what the last push of each left out, and when that was', async () => {
    const rig = new ShardRig();
    await commit(rig, { ...push({ device: 'gw-2', from: 0, to: 1 }), leftOut }, push({ device: 'gw-1', from: 0, to: 1 }));
    const [first] = rig.core.devices({ limit: 10 });
    expect(rig.core.devices({ limit: 10 })).toEqual([
      { device: 'gw-1', pushedMs: first?.pushedMs, leftOut: NOTHING },
      { device: 'gw-2', pushedMs: first?.pushedMs, leftOut },
    ]);
    await commit(rig, push({ device: 'gw-2', from: 1, to: 2 }));
    const [second] = rig.core.devices({ device: 'gw-2', limit: 10 });
    expect(second).toMatchObject({ device: 'gw-2', leftOut: NOTHING });
    expect(second?.pushedMs).toBeGreaterThan(first?.pushedMs ?? 0);
    expect(rig.core.devices({ device: 'gw-3', limit: 10 })).toEqual([]);
  });

  it('comes in pages', async () => {
    const rig = new ShardRig();
    await commit(rig, ...['c', 'a', 'b'].map((device) => push({ device, from: 0, to: 1 })));
    expect(rig.core.devices({ limit: 2 }).map(({ device }) => device)).toEqual(['a', 'b']);
    expect(rig.core.devices({ after: 'b', limit: 2 }).map(({ device }) => device)).toEqual(['c']);
  });

  it('does not count what was not stored, or was before', async () => {
    const rig = new ShardRig();
    const first = { ...push({ from: 0, to: 1, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] }), leftOut };
    await commit(rig, first);
    await commit(rig, { ...first, leftOut: NOTHING });
    await commit(rig, { ...push({ from: 5, to: 6 }), leftOut: NOTHING });
    expect(rig.core.devices({ limit: 1 })[0]?.leftOut).toEqual(leftOut);
  });

  it('knows a device of a former instance, and what it leaves out with its next push', async () => {
    const rig = new ShardRig();
    await commit(rig, { ...push({ from: 0, to: 1 }), leftOut });
    const [before] = rig.core.devices({ limit: 1 });
    rig.restart();
    expect(rig.core.devices({ limit: 1 })).toEqual([{ device: 'gw-1', pushedMs: before?.pushedMs }]);
    await commit(rig, { ...push({ from: 1, to: 2 }), leftOut });
    expect(rig.core.devices({ limit: 1 })[0]?.leftOut).toEqual(leftOut);
  });

  it('is nothing once it is closed: its devices are those of the newer one', async () => {
    const rig = new FleetRig({ window: 3_600_000 });
    await rig.during(rig.worker(1, 1).commit(push({ from: 0, to: 1 })));
    expect(rig.shard('acme/1/0').core.devices({ limit: 9 })).toHaveLength(1);
    await rig.during(rig.worker(2, 1).commit(push({ from: 1, to: 2 })));
    expect(rig.shard('acme/1/0').core.devices({ limit: 9 })).toEqual([]);
    expect(rig.shard('acme/2/0').core.devices({ limit: 9 })).toHaveLength(1);
  });
});

describe('LeftOutByDevice', () => {
  it('forgets those that were told longest ago before it takes megabytes', () => {
    const known = new LeftOutByDevice();
    const large: LeftOut = { series: 40, targets: Array.from({ length: 40 }, () => ({ target: 'x'.repeat(200), series: 1 })) };
    for (let i = 0; i < 1000; i++) known.note({ ...push({ device: `gw-${i}`, from: 0, to: 1 }), leftOut: large });
    expect(known.get('gw-0')).toBeUndefined();
    expect(known.get('gw-999')).toEqual(large);
    const kept = Array.from({ length: 1000 }, (_, i) => known.get(`gw-${i}`)).filter((one) => one !== undefined);
    expect(kept.length).toBeGreaterThan(300);
    expect(kept.length).toBeLessThan(500);
  });

  it('has no entry for a sender without a log', () => {
    const known = new LeftOutByDevice();
    known.note(plain('prometheus'));
    expect(known.get('prometheus')).toBeUndefined();
  });
});
