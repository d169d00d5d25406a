import { err, ok, type Result } from '../../contract/result.ts';
import type { YamlMap, YamlNode } from '../../contract/yaml/document.ts';
import type { ConfigError } from '../../contract/yaml/errors.ts';
import { isMap, nodeAt, parsePath, removeAt, type Step } from './tree.ts';
import { writeYaml } from './write-yaml.ts';

export type Check = (text: string) => readonly ConfigError[];

/**
 * Takes out of the tree what its reader refuses, until it refuses nothing: so the reader alone decides what is supported.
 * Of a relabelling rule all or nothing stays, since half a rule means something else.
 *
 * @param leftOut told what was taken out, where its source line is, and why
 * @returns an error where the tree as a whole is refused
 */
export function pruneRefused(
  tree: YamlMap,
  check: Check,
  leftOut: (path: string, line: number, problem: string) => void,
): Result<YamlMap, string> {
  let current: YamlMap = tree;
  for (;;) {
    const errors = check(writeYaml(current));
    if (errors.length === 0) return ok(current);
    let next: YamlNode = current;
    const taken = new Set<string>();
    // From the end, so that removing from a list does not move what is removed next.
    for (const { path, problem } of [...errors].reverse()) {
      const steps = toRemove(current, path, problem);
      const name = pathText(steps);
      if (steps.length === 0) return err(problem);
      if ([...taken].some((other) => name === other || name.startsWith(`${other}.`) || name.startsWith(`${other}[`))) continue;
      taken.add(name);
      // Lines in messages are those of what was written; lists of all keys would bury the report.
      const said = problem.replace(/, which line \d+ has$| \(known: .*\)$/s, '');
      leftOut(name, nodeAt(current, steps)?.line ?? 0, path === name ? said : `${path.slice(name.length).replace(/^\./, '')}: ${said}`);
      next = removeAt(next, steps);
    }
    if (!isMap(next)) return err('expected a map');
    current = next;
  }
}

function toRemove(tree: YamlNode, path: string, problem: string): readonly Step[] {
  const steps = parsePath(path);
  const rule = steps.findIndex((step, i) => typeof step === 'number' && String(steps[i - 1]).endsWith('relabel_configs'));
  if (rule !== -1) return steps.slice(0, rule + 1);
  // A job without its name, or with that of another, is no job.
  if (steps.at(-1) === 'job_name') return steps.slice(0, -1);
  // What is missing cannot be taken out, what lacks it can.
  if (problem === 'is required, but missing' || nodeAt(tree, steps) === undefined) return steps.slice(0, -1);
  return steps;
}

export const pathText = (steps: readonly Step[]): string =>
  steps
    .map((step, i) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[a-zA-Z_][\w-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return i === 0 ? step : `.${step}`;
    })
    .join('');
