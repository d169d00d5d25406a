import { sleep } from '../../e2e/harness/wait.ts';
import { BrowserRig } from '../browser-rig.ts';
import type { Scenario } from '../scenario.ts';

/** The browser forgets how much space a database had that nobody has open. */
const FORGETS_MS = 2_500;

export const scenario: Scenario = {
  name: 'browser-quota',
  about: "the origin's quota is used up while the edge is away: segments that make room are counted, the rest waits in memory, and arrives",
  rounds: { short: 1, full: 20 },
  programs: true,
  needs: 'chromium',
  async begin(shared) {
    const rig = await BrowserRig.start(shared);
    return {
      async run({ random }) {
        await rig.limitStorage(random.int(0, 20_000));
        const tab = await rig.tab();
        if (random.chance(0.5)) await rig.scrapes(random.int(1, 8));
        rig.cable.set('refuse');
        const hasFailed = await rig.becomes(tab, 'no space', ({ log }) => log?.mode === 'memory' || (log?.counters.evicted ?? 0) > 0);
        await rig.scrapes(random.int(0, 30));
        // Space again, and the log goes back to its database; or the edge first.
        if (random.chance(0.4)) {
          await rig.limitStorage(undefined);
          if (hasFailed.log?.mode === 'memory') await rig.becomes(tab, 'the log in its database', ({ log }) => log?.mode === 'file');
        }
        rig.cable.set('through');
        const { log } = await rig.becomes(tab, 'nothing to wait', ({ edge }) => (edge?.backlogRecords ?? Number.NaN) <= 1);
        const account = await rig.settle(log?.counters.evicted);
        await rig.dies(() => tab.close());
        await rig.limitStorage(undefined);
        await sleep(FORGETS_MS);
        return account;
      },
    };
  },
};
