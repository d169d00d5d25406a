import { setTimeout as sleep } from 'node:timers/promises';
import type { EdgeUnderTest } from '../e2e/harness/stack.ts';
import { waitFor } from '../e2e/harness/wait.ts';
import type { FakeReceiver } from '../fakes/receiver.ts';
import { Random } from '../faults/random.ts';
import type { SoakDevice } from './device.ts';
import type { PlottedFault } from './plot.ts';

export interface FaultContext {
  readonly devices: readonly SoakDevice[];
  readonly edge: EdgeUnderTest;
  readonly receiver: FakeReceiver;
  readonly seed: string;
  /** Seconds since the soak began. */
  readonly seconds: () => number;
  /** From here on nothing is killed, so that memory can be judged. */
  readonly calmFromSeconds: number;
  readonly untilSeconds: number;
}

/** How often and how long, seconds. Times are drawn from the seed; what they meet is not. */
const PAUSE: Readonly<Record<string, readonly [least: number, most: number]>> = {
  receiver: [8, 30],
  network: [8, 40],
  disk: [40, 90],
  agent: [10, 30],
  edge: [20, 60],
};
const LEAST_GOOD_SECONDS = 3;

/** Makes things go wrong until the time is over; then everything is well again. Resolves with what was done. */
export async function makeFaults(context: FaultContext): Promise<readonly PlottedFault[]> {
  const { devices, seconds, untilSeconds, calmFromSeconds } = context;
  const faults: PlottedFault[] = [];
  /** A disk fails, or the process is dead: the one must not meet the other, since what is in memory only is lost with it, as promised. */
  const taken = new Set<SoakDevice>();

  /** `fault` says whether it did anything. */
  const repeat = async (kind: string, name: string, until: number, fault: (random: Random) => Promise<boolean>): Promise<void> => {
    const random = new Random(`${context.seed} ${name}`);
    const [least, most] = PAUSE[kind] ?? [10, 60];
    for (;;) {
      const pauseSeconds = random.int(least * 1000, most * 1000) / 1000;
      await sleep(Math.max(0, Math.min(pauseSeconds, until - seconds())) * 1000);
      if (seconds() >= until) return;
      const fromSeconds = seconds();
      if (await fault(random)) faults.push({ kind: name, fromSeconds, toSeconds: seconds() });
    }
  };
  /** At most to the end, which must find everything well. */
  const last = (random: Random, mostSeconds: number): Promise<void> =>
    sleep(Math.max(0, Math.min(random.int(1000, mostSeconds * 1000), (untilSeconds - seconds() - LEAST_GOOD_SECONDS) * 1000)));

  await Promise.all([
    repeat('receiver', 'receiver', untilSeconds, (random) => receiverFault(context, random, last)),
    ...devices.map((device) => repeat('network', `net ${device.name}`, untilSeconds, (random) => networkFault(device, random, last))),
    ...devices.map((device) =>
      repeat('disk', `disk ${device.name}`, untilSeconds, async (random) => {
        if (taken.has(device)) return false;
        taken.add(device);
        await device.fillDisk();
        await last(random, 12);
        await device.freeDisk();
        await waitFor(`${device.name} to go back to its disk`, async () => !(await device.isInMemory()), 90_000);
        taken.delete(device);
        return true;
      }),
    ),
    // The first one never: its memory is judged over the whole time.
    ...devices.slice(1).map((device) =>
      repeat('agent', `kill ${device.name}`, calmFromSeconds, async (random) => {
        if (taken.has(device)) return false;
        taken.add(device);
        await device.kill();
        await sleep(random.int(0, 3000));
        await device.startAgain();
        taken.delete(device);
        return true;
      }),
    ),
    repeat('edge', 'kill edge', calmFromSeconds, (random) => edgeFault(context, random)),
  ]);
  return faults;
}

type Last = (random: Random, mostSeconds: number) => Promise<void>;

async function receiverFault({ receiver }: FaultContext, random: Random, last: Last): Promise<boolean> {
  receiver.behave(
    random.pick([
      { kind: 'down' },
      { kind: 'close' },
      { kind: 'hang' },
      { kind: 'store_then_500' },
      { kind: 'store_then_close' },
      { kind: 'status', status: random.pick([500, 502, 503, 429, 401, 404]) },
      { kind: 'status', status: 503, headers: { 'retry-after': '2' } },
      { kind: 'delay', ms: random.int(500, 4000) },
    ] as const),
  );
  await last(random, 15);
  receiver.behave({ kind: 'ok' });
  return true;
}

async function networkFault({ cable }: SoakDevice, random: Random, last: Last): Promise<boolean> {
  const kind = random.pick(['cut', 'refuse', 'black_hole', 'slow'] as const);
  if (kind === 'cut') {
    // In the middle of whatever is on the way, several times.
    for (let left = random.int(1, 5); left > 0; left--) {
      cable.cut();
      await sleep(random.int(20, 1500));
    }
    return true;
  }
  cable.set(kind);
  await last(random, 20);
  cable.set('through');
  return true;
}

async function edgeFault({ edge }: FaultContext, random: Random): Promise<boolean> {
  if (random.chance(0.6)) {
    await edge.killWorkerd();
    return true;
  }
  await edge.killAll();
  await sleep(random.int(0, 4000));
  await edge.start();
  return true;
}
