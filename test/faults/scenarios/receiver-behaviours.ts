import type { Behaviour } from '../../fakes/receiver.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const BEHAVIOURS: readonly Behaviour[] = [
  { kind: 'hang' },
  { kind: 'close' },
  { kind: 'down' },
  { kind: 'store_then_500' },
  { kind: 'store_then_close' },
  { kind: 'delay', ms: 20_000 },
  { kind: 'delay', ms: 45_000 },
  { kind: 'status', status: 503, headers: { 'retry-after': '600' } },
];

export const scenario: Scenario = {
  name: 'receiver-behaviours',
  about: 'the receiver hangs, closes early, stores and then says 500 or closes, is slow beyond the timeout: what it has twice is counted',
  rounds: { short: BEHAVIOURS.length, full: 15 * BEHAVIOURS.length },
  async run({ number, random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']), windowMs: random.pick([0, 4 * 3_600_000]) });
    void rig.watchdog();
    const { receiver } = rig.world.rig;
    for (let i = random.int(1, 3); i > 0; i--) await rig.device({ name: `gw-${i}` });
    await rig.live(random.int(1, 6));
    for (let i = 0; i < 4; i++) {
      const behaviour = i === 0 ? (BEHAVIOURS[number % BEHAVIOURS.length] ?? { kind: 'ok' }) : random.pick(BEHAVIOURS);
      if (random.chance(0.5)) receiver.behave(behaviour);
      else receiver.behaveNext(...Array.from({ length: random.int(1, 5) }, () => behaviour));
      await rig.live(random.int(2, 12));
      receiver.behave({ kind: 'ok' });
      await rig.live(random.int(0, 3));
    }
    await rig.live(4);
    return rig.settle();
  },
};
