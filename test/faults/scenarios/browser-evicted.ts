import { addAccounts } from '../account.ts';
import { BrowserRig } from '../browser-rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'browser-evicted',
  about:
    'site data are cleared under an open tab, or a closed one: what was not pushed is gone with them, all else arrives, nothing is wrong',
  rounds: { short: 2, full: 40 },
  programs: true,
  needs: 'chromium',
  async begin(shared) {
    const rig = await BrowserRig.start(shared);
    let tab = await rig.tab();
    return {
      async run({ random }) {
        await rig.scrapes(random.int(1, 12));
        const before = await rig.settle();
        const isOpen = random.chance(0.6);
        const deletions = (await rig.status(tab)).log?.deletions ?? 0;
        const fromMs = rig.unsettledFromMs;
        // With the edge away nothing is pushed meanwhile; or the push under way loses its log.
        if (random.chance(0.7)) rig.cable.set('refuse');
        await rig.scrapes(random.int(0, 12));
        if (!isOpen) await rig.dies(() => tab.close());
        await rig.clearStorage();
        if (isOpen)
          await rig.becomes(tab, 'a log without its database', ({ log }) => log?.mode === 'memory' || (log?.deletions ?? 0) > deletions);
        rig.destroyed.push({ fromMs, toMs: Date.now() });
        rig.cable.set('through');
        if (!isOpen) tab = await rig.tab();
        await rig.scrapes(random.int(1, 8));
        const after = await rig.settle();
        // It makes its database anew when it next tries; what is in memory only dies with the tab.
        if (isOpen && random.chance(0.3)) {
          await rig.becomes(tab, 'a database made anew', ({ log }) => log?.mode === 'file');
          // What waited for that is written down, too.
          await rig.scrapes(2);
          await rig.dies(() => tab.discard());
          tab = await rig.tab();
        }
        return addAccounts(before, after);
      },
      finish: () => rig.settle(),
    };
  },
};
