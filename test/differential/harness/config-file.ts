import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Case } from './cases.ts';
import type { CaseTarget } from './targets.ts';

/** A case while it runs: which of its targets discovery shows to each program is up to the run. */
export interface RunningCase {
  readonly one: Case;
  readonly targets: readonly CaseTarget[];
}

/** How discovery shows the targets of a case. */
export type Shown = 'present' | 'gone' | 'relabelled';

/** `global` and `scrape_configs` for all cases, as both programs read them. */
export function configText(cases: readonly RunningCase[], folder: string, discoveryUrl: string, rest: unknown, reloaded: boolean): string {
  return stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', external_labels: { cluster: 'c' } },
    scrape_configs: cases.flatMap((running) => {
      const { one } = running;
      const changed = reloaded && one.steps.includes('reload');
      if (changed && one.reload === undefined) return [];
      return [{ job_name: one.name, ...(changed ? one.reload : one.config), ...discovery(running, folder, discoveryUrl) }];
    }),
    ...(rest as object),
  });
}

function discovery(running: RunningCase, folder: string, discoveryUrl: string): Record<string, unknown> {
  const { one } = running;
  if (one.discovery === 'static') return { static_configs: targetGroups(running, 'present') };
  if (one.discovery === 'http') return { http_sd_configs: [{ url: `${discoveryUrl}/${one.name}`, refresh_interval: '1s' }] };
  return { file_sd_configs: [{ files: [join(folder, `targets-${one.name}.json`)], refresh_interval: '1s' }] };
}

/** Written beside and renamed, as writers of such files should. */
export function writeTargets(running: RunningCase, folder: string, shown: Shown): void {
  if (running.one.discovery !== 'file') return;
  const path = join(folder, `targets-${running.one.name}.json`);
  writeFileSync(`${path}.new`, JSON.stringify(targetGroups(running, shown)));
  renameSync(`${path}.new`, path);
}

export function targetGroups({ one, targets }: RunningCase, shown: Shown): unknown[] {
  if (shown === 'gone') return [];
  return targets.map((target, i) => ({
    targets: [target.address],
    labels: {
      case: one.name,
      ...(targets.length > 1 ? { target: String(i + 1) } : {}),
      ...one.labels,
      ...(shown === 'relabelled' ? { zone: 'new' } : {}),
    },
  }));
}
