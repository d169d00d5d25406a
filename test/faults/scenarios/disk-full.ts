import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { newCard } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const WRITES = ['append', 'create', 'replaceFile'];

export const scenario: Scenario = {
  name: 'disk-full',
  about: 'the disk is full from the n-th write on, for every n, then has space again: what made room is counted, nothing else is missing',
  rounds: { short: 12, full: 160 },
  async run({ number, random, short }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const store = new UnreliableStore();
    const nth = short ? random.int(0, 80) : number % 80;
    let writes = 0;
    let full = false;
    store.fault = (operation) => {
      if (!WRITES.includes(operation)) return undefined;
      if (writes++ === nth) full = true;
      return full ? 'full' : undefined;
    };
    const device = await rig.device({ name: 'gw-1', card: newCard(store), log: { segmentBytes: 2048, limitBytes: 1 << 20 } });
    device.offline = random.chance(0.6);
    await rig.live(random.int(5, 30));
    // From here on by bytes, as a real disk: what is removed makes room.
    full = false;
    writes = Number.POSITIVE_INFINITY;
    if (number >= 80 || short) {
      store.capacity = 1024 * random.int(4, 12);
      await rig.live(random.int(5, 20));
      store.capacity = Number.POSITIVE_INFINITY;
    }
    await rig.live(3);
    if (device.status().mode !== 'file') throw new Error(`expected the log on its disk again, got: ${device.status().reason}`);
    device.offline = false;
    await device.kill();
    await device.start();
    await rig.live(4);
    return rig.settle();
  },
};
