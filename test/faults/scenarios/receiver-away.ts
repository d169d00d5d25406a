import { decodeDeadLetter } from '../../../functions/dead-letter.ts';
import { FakeReceiver } from '../../fakes/receiver.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const HOUR_MS = 3_600_000;
const REASONS = ['refused', 'partly_refused', 'repeat_refused'];

/** With a window that covers it all arrives. Without one the late device's samples cannot: they are dead letters that say why. */
export const scenario: Scenario = {
  name: 'receiver-away',
  about:
    'the receiver is down for 12 h, 50 devices, one of them offline 5 h longer: all of it arrives, or is a letter that can be sent again',
  rounds: { short: 2, full: 4 },
  async run({ number, random, short }) {
    const windowMs = number % 2 === 0 ? 24 * HOUR_MS : 0;
    const kind = random.pick(['thanos', 'prometheus'] as const);
    const rig = new FaultRig({ kind, windowMs, shard: { maxBufferBytes: 1e9 }, maxBackoffMs: 300_000 });
    void rig.watchdog();
    const { receiver } = rig.world.rig;
    for (let i = short ? 10 : 50; i > 0; i--) await rig.device({ name: `gw-${i}`, pushIntervalMs: 300_000 });
    const [late] = rig.devices;
    const intervalMs = short ? 600_000 : 120_000;
    const hours = (count: number): Promise<void> => rig.live((count * HOUR_MS) / intervalMs, intervalMs);
    await hours(1);
    receiver.behave({ kind: 'down' });
    if (late !== undefined) late.offline = true;
    await hours(12);
    receiver.behave({ kind: 'ok' });
    await hours(5);
    if (late !== undefined) late.offline = false;
    await hours(1);
    const account = await rig.settle();
    if (windowMs > 0 && account.deadLetters > 0) throw new Error(`expected no dead letters, got ${account.deadLetters} samples`);
    if (windowMs === 0 && account.deadLetters === 0) throw new Error('expected the late samples in dead letters, got none');
    await replay(rig);
    return account;
  },
};

/** What is in the letters a receiver with a window takes as it is. */
async function replay({ world }: FaultRig): Promise<void> {
  const other = new FakeReceiver({ kind: 'prometheus', outOfOrderTimeWindowMs: 48 * HOUR_MS, now: () => world.truth });
  for (const key of await world.rig.deadKeys()) {
    const { header, block } = decodeDeadLetter((await world.rig.bucket.get(key)) ?? new Uint8Array(0));
    if (!REASONS.includes(header.reason) || header.words === '') throw new Error(`${key}: expected why, got ${JSON.stringify(header)}`);
    const headers = new Headers({
      ...{ 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf', 'user-agent': 'test' },
      ...{ 'x-prometheus-remote-write-version': '0.1.0' },
    });
    const answer = await other.handle('/api/v1/write', 'POST', headers, block, new AbortController().signal);
    if (answer?.status !== 204) throw new Error(`${key}: expected that it can be sent again, got ${answer?.status} ${answer?.words}`);
  }
}
