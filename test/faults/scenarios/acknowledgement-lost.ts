import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'acknowledgement-lost',
  about: 'the edge stores, its answer is lost, and the agent is perhaps killed before it tries again: nothing twice, nothing missing',
  rounds: { short: 4, full: 60 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']), windowMs: random.pick([0, 4 * 3_600_000]) });
    for (let i = random.int(1, 3); i > 0; i--) {
      const device = await rig.device({ name: `gw-${i}`, cellsPerPush: random.pick([20, 200, 100_000]) });
      const share = random.pick([0.3, 0.6, 0.9]);
      device.loseAnswer = () => random.chance(share);
    }
    for (let i = 0; i < 4; i++) {
      await rig.live(random.int(2, 20));
      const device = random.pick(rig.devices);
      if (!random.chance(0.5)) continue;
      // Without its memory of what it has sent, and cut into other pushes.
      await device.kill();
      await device.start();
    }
    for (const device of rig.devices) device.loseAnswer = () => false;
    await rig.live(4);
    const account = await rig.settle();
    if (account.duplicated > 0) throw new Error(`expected nothing to be sent twice, got ${account.duplicated} samples`);
    return account;
  },
};
