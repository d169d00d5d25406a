import { HttpError } from '../../../agent-lite/model.ts';
import { NOW } from '../../fakes/worker.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'certificate-not-yet-valid',
  about: "the edge's certificate is not yet valid for the device's clock: samples wait, and go once the clock is set",
  rounds: { short: 3, full: 20 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const device = await rig.device({ name: 'gw-1', skewMs: -NOW });
    device.network = async () => {
      if (device.clock.now() >= NOW - 30 * 86_400_000) return;
      const cause = Object.assign(new Error('certificate is not yet valid'), { code: 'CERT_NOT_YET_VALID' });
      throw new HttpError('tls', 'fetch failed', { cause });
    };
    const before = random.int(1, 200);
    await rig.live(before);
    if (device.backlog !== before) throw new Error(`expected ${before} scrapes to wait, got ${device.backlog}`);
    device.clock.skewMs = random.int(-1000, 1000);
    await rig.live(random.int(1, 20));
    return rig.settle({ toleranceMs: 1001 });
  },
};
