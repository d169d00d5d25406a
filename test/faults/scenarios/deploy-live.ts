import { quickRelayConfig } from '../../e2e/harness/stack.ts';
import { sleep } from '../../e2e/harness/wait.ts';
import { LiveRig } from '../live-rig.ts';
import type { Scenario } from '../scenario.ts';

const DEVICES = 5;

const withRule = (version: number): string => `${quickRelayConfig}
    write_relabel_configs:
      - { target_label: rules, replacement: v${version} }
`;

export const scenario: Scenario = {
  name: 'deploy-live',
  about: 'the real edge is built anew with other rules, stopped (SIGTERM or SIGKILL) and started under load: nothing lost, nothing twice',
  rounds: { short: 1, full: 10 },
  programs: true,
  async begin(shared) {
    const rig = await LiveRig.start(shared, DEVICES);
    return rig.rounds(async ({ number, random }) => {
      await sleep(random.int(500, 2500));
      await rig.edge.configure(random.chance(0.2) ? quickRelayConfig : withRule(number));
      await (random.chance(0.5) ? rig.edge.stop() : rig.edge.killAll());
      await sleep(random.int(0, 500));
      await rig.edge.start();
      await sleep(random.int(0, 1500));
    });
  },
};
