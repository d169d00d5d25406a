import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../../functions/shard/limits.ts';
import { OFFENCE_WINDOW_MS, Offences, REFUSAL_MS } from '../../../functions/shard/offences.ts';
import { fragment, plain, push, TENANT } from '../../fakes/commit-requests.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

describe('Offences', () => {
  const offend = (offences: Offences, count: number, device = 'gw-1', prefix = 'r') => {
    for (let i = 0; i < count; i++) offences.add(device, `${prefix}${i}`);
  };

  it('refuse a device after so many within ten minutes, for five', () => {
    let now = 1e12;
    const offences = new Offences(10, () => now);
    offend(offences, 9);
    expect(offences.refusedMs('gw-1')).toBe(0);
    expect(offences.add('gw-1', 'last')).toBe(true);
    expect(offences.refusedMs('gw-1')).toBe(REFUSAL_MS);
    expect(offences.refusedMs('gw-2')).toBe(0);
    expect(offences.refused).toBe(1);
    now += REFUSAL_MS;
    expect(offences.refusedMs('gw-1')).toBe(0);
    // Not better yet: the ten minutes are not over.
    expect(offences.add('gw-1', 'again')).toBe(true);
  });

  it('forget what is older than ten minutes', () => {
    let now = 1e12;
    const offences = new Offences(10, () => now);
    offend(offences, 9);
    now += OFFENCE_WINDOW_MS;
    expect(offences.add('gw-1', 'later')).toBe(false);
  });

  it('count a push once, in however many pieces it is refused', () => {
    const offences = new Offences(3, () => 1e12);
    for (let i = 0; i < 100; i++) offences.add('gw-1', 'commit 7');
    expect(offences.refusedMs('gw-1')).toBe(0);
  });

  it('never hold a device for longer than one refusal when the clock is set back', () => {
    let now = 1e12;
    const offences = new Offences(1, () => now);
    offences.add('gw-1', 'a');
    now -= 1e9;
    expect(offences.refusedMs('gw-1')).toBe(REFUSAL_MS);
  });

  it('are not counted where the limit is 0', () => {
    const offences = new Offences(0, () => 1e12);
    offend(offences, 1000);
    expect(offences.refused).toBe(0);
  });
});

describe('a shard', () => {
  const limits = { ...UNLIMITED, device: { ...UNLIMITED.device, maxOffences: 3 } };

  it('refuses a device whose pushes cannot be read, again and again', async () => {
    const rig = new ShardRig({ limits });
    for (let i = 0; i < 3; i++) await rig.core.account({ tenant: TENANT, device: 'gw-1', offence: `request ${i}` });
    const sample = fragment({ labels: { __name__: 'm' }, samples: [[rig.clock.now(), 1]] });
    expect(await rig.core.commit(push({ from: 0, to: 1, fragments: [sample] }))).toMatchObject({
      kind: 'busy',
      limit: 'device_offences',
      retryAfterMs: REFUSAL_MS,
    });
    expect(await rig.core.account({ tenant: TENANT, device: 'gw-1', table: { rows: 1, bytes: 1 } })).toMatchObject({
      limit: 'device_offences',
    });
    expect([rig.value('relay_devices_refused'), rig.value('relay_device_refusals_total')]).toEqual([1, 1]);
    const neighbour = rig.core.commit(plain('gw-2', sample));
    await rig.pass(300);
    expect(await neighbour).toMatchObject({ kind: 'stored' });
  });

  it.each(['prometheus', 'thanos'] as const)('refuses a device whose samples %s refuses; its neighbours go through', async (kind) => {
    const rig = new ShardRig({ limits, receiver: { kind, refuses: (labels) => labels.some(([, value]) => value === 'bad') } });
    const sample = (name: string) => fragment({ labels: { __name__: name }, samples: [[rig.clock.now(), 1]] });
    for (let i = 0; i < 4; i++) {
      const pushes = [rig.core.commit(plain('gw-2', sample('good'))), rig.core.commit(plain('gw-1', sample('bad')))];
      await rig.pass(3000);
      await Promise.all(pushes);
    }
    const again = rig.core.commit(plain('gw-1', sample('bad')));
    const neighbour = rig.core.commit(plain('gw-2', sample('good')));
    await rig.pass(3000);
    expect((await neighbour).kind).toBe('stored');
    const { samples = [] } =
      [...rig.receiver.tenant(TENANT).series.values()].find(({ labels }) => labels.some(([, v]) => v === 'good')) ?? {};
    expect(samples).toHaveLength(5);
    // Thanos does not say whose samples it left out: then nobody is made to pay for a neighbour.
    const known = kind === 'prometheus';
    expect(await again).toMatchObject(known ? { kind: 'busy', limit: 'device_offences' } : { kind: 'stored' });
    expect(rig.value('relay_devices_refused')).toBe(known ? 1 : 0);
  });
});
