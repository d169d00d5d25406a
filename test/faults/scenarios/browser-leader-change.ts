import type { DevToolsTab } from '../../browser/harness/devtools.ts';
import { sleep, waitFor } from '../../e2e/harness/wait.ts';
import { type Account, NOTHING } from '../account.ts';
import { BrowserRig } from '../browser-rig.ts';
import type { Scenario } from '../scenario.ts';

const TABS = 3;
const HARMS = ['close', 'kill', 'freeze', 'steal'] as const;
/** Takes the lock of the log, and gives it back at once: to whoever stands in line. */
const STEAL = "navigator.locks.request('ledger', { steal: true }, () => undefined)";
/** Changes between two accounts. */
const CHANGES = 6;

export const scenario: Scenario = {
  name: 'browser-leader-change',
  about:
    'of several tabs the one that leads is closed, killed or frozen, or loses its lock: another goes on, nothing twice or out of order',
  rounds: { short: 4, full: 60 },
  programs: true,
  needs: 'chromium',
  async begin(shared) {
    const rig = await BrowserRig.start(shared);
    const tabs: DevToolsTab[] = [];
    while (tabs.length < TABS) tabs.push(await rig.tab());
    let changes = 0;
    return {
      async run({ random }): Promise<Account> {
        await sleep(random.int(0, 2500));
        const leader = await rig.leader(tabs);
        const others = tabs.filter((tab) => tab !== leader);
        const harm = random.pick(HARMS);
        const [witness] = others;
        if (witness === undefined) throw new Error('expected another tab');
        // Only a tab that nobody sees can be frozen.
        if (harm === 'freeze') {
          await witness.show();
          await waitFor('the leader to be hidden', async () => (await leader.evaluate('document.visibilityState')) === 'hidden');
        }
        await rig.dies(async () => {
          if (harm === 'steal') await witness.evaluate(STEAL);
          else if (harm === 'freeze') await leader.setLifecycle('frozen');
          else await (harm === 'close' ? leader.close() : leader.discard());
        });
        await rig.leader(others);
        // A frozen tab that comes back stands in line.
        if (harm === 'freeze') await leader.setLifecycle('active');
        if (harm === 'close' || harm === 'kill') tabs.splice(tabs.indexOf(leader), 1, await rig.tab());
        return ++changes % CHANGES === 0 ? rig.settle() : NOTHING;
      },
      finish: () => rig.settle(),
    };
  },
};
