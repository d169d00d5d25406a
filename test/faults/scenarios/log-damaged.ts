import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** Records of a target between two key frames. */
const KEY_FRAME_RECORDS = 16;

export const scenario: Scenario = {
  name: 'log-damaged',
  about:
    'bytes of a backlog changed while the device was off: all but the records up to the next key frame arrives, and the rest is counted',
  rounds: { short: 4, full: 100 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const device = await rig.device({ name: 'gw-1', log: { segmentBytes: random.pick([2048, 8192, 65_536]) } });
    await rig.live(random.int(2, 10));
    device.offline = true;
    let most = 0;
    for (let time = random.int(1, 3); time > 0; time--) {
      await rig.live(random.int(10, 60));
      await device.stop();
      const { store } = device.card;
      const { name, bytes: length } = random.pick(await store.list('wal'));
      const bytes = await store.read('wal', name, 0, length);
      const at = random.int(0, length - 1);
      bytes[at] = (bytes[at] ?? 0) ^ random.int(1, 255);
      await store.create('wal', name, bytes, true);
      most += KEY_FRAME_RECORDS;
      await device.start();
    }
    device.offline = false;
    await rig.live(4);
    const account = await rig.settle({ bound: () => (most-- > 0 ? 'damaged' : undefined) });
    if (account.bounded > 0 && device.counted('damaged') === 0 && device.counted('tornBytes') === 0)
      throw new Error(`${account.bounded} samples are missing, and the agent has not counted any damage`);
    return account;
  },
};
