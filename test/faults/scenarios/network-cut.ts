import type { Random } from '../random.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { Wire, type WireState } from '../wire.ts';

const CERTIFICATES = ['name', 'unknown_ca', 'expired', 'future', 'not_tls'] as const;
const KINDS = ['refuse', 'reset_request', 'reset_answer', 'close_answer', 'black_hole', 'trickle', 'certificate'] as const;

function stateOf(kind: (typeof KINDS)[number], random: Random): WireState {
  if (kind === 'certificate') return { kind, fault: random.pick(CERTIFICATES) };
  if (kind === 'reset_request' || kind === 'reset_answer' || kind === 'close_answer') return { kind, bytes: random.int(0, 900) };
  return { kind };
}

/** The agent's real HTTP client over real TCP; the rest of the way as elsewhere. */
export const scenario: Scenario = {
  name: 'network-cut',
  about: 'refused, reset or closed in the middle of request and answer, black hole, 1 byte/s, TLS errors: samples wait, and arrive once',
  rounds: { short: 7, full: 70 },
  async run({ number, random, after }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const wire = await Wire.start(rig.world, after);
    const device = await rig.device({ name: 'gw-1', http: (edge) => wire.client(edge) });
    await rig.live(random.int(0, 6));
    // One kind after the other, then whatever comes.
    for (const kind of [KINDS[number % KINDS.length] ?? 'refuse', ...Array.from({ length: random.int(0, 2) }, () => random.pick(KINDS))]) {
      wire.set(stateOf(kind, random));
      await rig.live(random.int(4, 16));
    }
    wire.set({ kind: 'through' });
    await rig.live(random.int(4, 12));
    const account = await rig.settle();
    if (device.backlog > 0) throw new Error(`expected nothing to wait, got ${device.backlog} scrapes: ${device.pusher.status().error}`);
    return account;
  },
};
