import { HttpError } from '../../../agent-lite/model.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** As the agent's HTTP client tells them; network-cut makes the ones that loopback can have. */
const ERRORS = [
  new HttpError('network', 'connect ECONNREFUSED 192.0.2.1:443'),
  new HttpError('network', 'getaddrinfo ENOTFOUND edge.example'),
  new HttpError('network', 'getaddrinfo EAI_AGAIN edge.example'),
  new HttpError('network', 'connect ENETUNREACH 192.0.2.1:443'),
  new HttpError('tls', 'unable to verify the first certificate'),
  new HttpError('timeout', 'expected a whole answer within 60000 ms, got none'),
  new HttpError('bad_encoding', 'content-encoding: expected gzip or none, got "br"'),
  new HttpError('too_large', 'expected at most 262144 bytes, got more'),
];

export const scenario: Scenario = {
  name: 'network-errors',
  about: 'no DNS, no route, TLS errors, timeouts, for hours or for a share of all requests: samples wait, and arrive once',
  rounds: { short: 3, full: 40 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    for (let i = random.int(1, 3); i > 0; i--) {
      const device = await rig.device({ name: `gw-${i}` });
      const share = random.pick([0.3, 0.7, 1]);
      device.network = async () => {
        if (random.chance(share)) throw random.pick(ERRORS);
      };
    }
    await rig.live(random.int(10, 400));
    for (const device of rig.devices) device.network = () => Promise.resolve();
    await rig.live(4);
    return rig.settle();
  },
};
