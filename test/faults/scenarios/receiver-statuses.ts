import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const FIRST = 300;
const LAST = 599;
/** One of each meaning (forward/verdict.ts), and some that nobody foresees. */
const SHORT = [302, 400, 401, 404, 408, 409, 413, 418, 422, 429, 500, 503, 599];

/** A status of 2xx without having taken the data is a lie that nobody can see through. */
export const scenario: Scenario = {
  name: 'receiver-statuses',
  about: 'the receiver answers one status to everything for a while, for every status from 300 to 599: what is not kept is a dead letter',
  rounds: { short: SHORT.length, full: LAST - FIRST + 1 },
  async run({ number, random, short }) {
    const status = short ? (SHORT[number % SHORT.length] ?? 500) : FIRST + number;
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']), windowMs: random.pick([0, 4 * 3_600_000]) });
    void rig.watchdog();
    const { receiver } = rig.world.rig;
    for (let i = random.int(1, 2); i > 0; i--) await rig.device({ name: `gw-${i}` });
    await rig.live(random.int(1, 6));
    const words = random.pick(['', 'told to say so', '<html>Bad Gateway</html>', 'out of order sample', 'limit exceeded']);
    const headers = random.chance(0.3) ? { 'retry-after': String(random.int(0, 3600)) } : {};
    receiver.behave({ kind: 'status', status, words, headers });
    await rig.live(random.int(4, 24));
    receiver.behave({ kind: 'ok' });
    await rig.live(4);
    const account = await rig.settle();
    const kept = status !== 400 && status !== 409 && status !== 413 && status !== 422;
    if (kept && account.deadLetters > 0)
      throw new Error(`status ${status}: expected everything to be kept, got ${account.deadLetters} in dead letters`);
    return account;
  },
};
