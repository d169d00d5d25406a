import { CURSORS_FILE } from '../../../agent-lite/wal/cursors.ts';
import { encodeSmallFile } from '../../../agent-lite/wal/small-file.ts';
import { copyCard } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const KINDS = ['torn', 'flipped', 'future', 'unnamed', 'foreign', 'old'] as const;

export const scenario: Scenario = {
  name: 'cursor-file',
  about:
    'cursors.json torn, changed, ahead of the log with and without its name, of another log, of old; the edge knows the log or not: all arrives',
  rounds: { short: 12, full: 200 },
  async run({ number, random }) {
    const kind = KINDS[number % KINDS.length];
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const device = await rig.device({ name: 'gw-1' });
    // Now and then the edge has never heard of this log, and cannot say that the cursor is wrong.
    device.offline = random.chance(0.4);
    await rig.live(random.int(4, 20));
    const early = await (await copyCard(device.card)).store.readFile(CURSORS_FILE);
    await rig.live(random.int(4, 20));
    // Some of it has not been pushed when the file is spoiled.
    device.offline = true;
    await rig.live(random.int(0, 10));
    const { position, chain } = device.log.head();
    const { logId } = device.log;
    await device.stop();
    const { store } = device.card;
    const bytes = (await store.readFile(CURSORS_FILE)) ?? new Uint8Array(0);
    const cursor = { receiver: 'edge', position: position + random.int(1, 200_000), chain: [...chain].reverse().join('') };
    const spoiled = {
      torn: () => bytes.subarray(0, random.int(0, bytes.length - 1)),
      flipped: () => bytes.map((byte, at) => (at === number % bytes.length ? byte ^ (1 << random.int(0, 7)) : byte)),
      future: () => encodeSmallFile({ format: 1, log_id: logId, cursors: [cursor] }),
      unnamed: () => encodeSmallFile({ format: 1, cursors: [cursor] }),
      foreign: () => encodeSmallFile({ format: 1, log_id: logId.replace(/./, (digit) => (digit === '0' ? '1' : '0')), cursors: [cursor] }),
      old: () => early ?? bytes,
    }[kind ?? 'torn']();
    await store.replaceFile(CURSORS_FILE, spoiled, true);
    device.offline = false;
    await device.start();
    await rig.live(random.int(4, 10));
    return rig.settle();
  },
};
