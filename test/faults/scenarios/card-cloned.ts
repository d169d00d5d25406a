import { copyCard } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** Both logs go on under one log_id from one position, with different content: the chain tells them apart. */
export const scenario: Scenario = {
  name: 'card-cloned',
  about: 'a card copied into a second device, under its own token or the same one: neither hides the records of the other',
  rounds: { short: 4, full: 40 },
  async run({ number, random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']), windowMs: 4 * 3_600_000 });
    const first = await rig.device({ name: 'gw-1' });
    await rig.live(random.int(3, 20));
    // Some of what is on the card has not been pushed: both will send it.
    first.offline = random.chance(0.5);
    await rig.live(random.int(0, 6));
    await first.stop();
    const card = await copyCard(first.card);
    await first.start();
    first.offline = false;
    await rig.device({ name: number % 2 === 0 ? 'gw-1' : 'gw-2', source: 'clone', card });
    await rig.live(random.int(5, 30));
    if (random.chance(0.5)) await first.kill();
    if (!first.running) await first.start();
    await rig.live(4);
    return rig.settle();
  },
};
