import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { newCard } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const READS = ['list', 'read', 'readFile', 'close'];

export const scenario: Scenario = {
  name: 'read-only',
  about: 'a folder that is read-only at the start, or is remounted so while the agent runs, and later not: nothing is missing',
  rounds: { short: 4, full: 60 },
  async run({ number, random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const store = new UnreliableStore();
    let readOnly = false;
    store.fault = (operation) => (readOnly && !READS.includes(operation) ? 'failed' : undefined);
    const card = newCard(store);
    const device = await rig.device({ name: 'gw-1', card, log: { segmentBytes: 4096 } });
    device.offline = random.chance(0.5);
    await rig.live(random.int(1, 15));
    if (number % 2 === 0) await device.stop();
    readOnly = true;
    if (number % 2 === 0) await device.start();
    for (let change = random.int(1, 3); change > 0; change--) {
      await rig.live(random.int(2, 20));
      readOnly = !readOnly;
    }
    device.offline = false;
    await rig.live(random.int(1, 5));
    readOnly = false;
    await rig.live(4);
    if (device.status().mode !== 'file') throw new Error(`expected the log on its disk again, got: ${device.status().reason}`);
    await device.kill();
    await device.start();
    await rig.live(4);
    return rig.settle();
  },
};
