import { sleep } from '../../e2e/harness/wait.ts';
import { type Account, NOTHING } from '../account.ts';
import { BrowserRig } from '../browser-rig.ts';
import type { Scenario } from '../scenario.ts';

/** Between two accounts. */
const KILLS = 8;
const LIFE_MS = 4_000;
/** Some die while they load, take the lock and open their log. */
const START_MS = 400;

export const scenario: Scenario = {
  name: 'browser-tab-killed',
  about: "the tab's process dies at any moment, in real Chromium: every scrape that was read is at the receiver, once and in order",
  rounds: { short: 4, full: 100 },
  programs: true,
  needs: 'chromium',
  async begin(shared) {
    const rig = await BrowserRig.start(shared);
    let tab = await rig.tab();
    return {
      async run({ random }): Promise<Account> {
        await sleep(random.int(0, random.chance(0.3) ? START_MS : LIFE_MS));
        await rig.dies(() => tab.discard());
        tab = await rig.tab();
        return rig.deaths.length % KILLS === 0 ? rig.settle() : NOTHING;
      },
      finish: () => rig.settle(),
    };
  },
};
