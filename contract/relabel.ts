import { LabelBuilder } from './label-builder.ts';
import { isValidName, type Labels } from './labels.ts';
import { toLowerCase, toUpperCase } from './letter-case.ts';
import { md5 } from './md5.ts';
import { compilePattern, compileTemplate, expandTemplate, type Pattern } from './regex.ts';
import { checkRelabelConfig, type RelabelConfig } from './relabel-config.ts';

export {
  checkRelabelConfig,
  defaultRelabelConfig,
  RELABEL_ACTIONS,
  type RelabelAction,
  type RelabelConfig,
  type RelabelProblem,
} from './relabel-config.ts';

/** Rules ready to run. Holds no state between label sets. */
export interface CompiledRules {
  readonly steps: readonly Step[];
  /** Names whose values decide what the rules do. Every other label passes with its value, is removed, or is overwritten. */
  readonly labelsRead: readonly string[];
  /** A rule looks at the names of all labels (labelmap, labeldrop, labelkeep); its effect depends on which labels exist. */
  readonly readsAllNames: boolean;
  /** A labelmap copies values to other names, where a later rule may read them: any value may decide. */
  readonly readsAllValues: boolean;
}

/** One rule. Returns false where it drops the label set. */
type Step = (labels: LabelBuilder) => boolean;

export const NO_RULES: CompiledRules = { steps: [], labelsRead: [], readsAllNames: false, readsAllValues: false };

/** A rule that {@link checkRelabelConfig} refuses; the configuration readers report those with file and line before. */
export class RelabelError extends Error {
  override name = 'RelabelError';
}

/** @throws RelabelError */
export function compileRelabel(configs: readonly RelabelConfig[]): CompiledRules {
  if (configs.length === 0) return NO_RULES;
  const read = new Set<string>();
  const steps = configs.map((config, index) => {
    const problem = checkRelabelConfig(config);
    if (problem !== undefined) throw new RelabelError(`rule ${index}: ${problem.key}: ${problem.message}`);
    for (const name of config.sourceLabels) read.add(name);
    if (config.action === 'keepequal' || config.action === 'dropequal') read.add(config.targetLabel);
    return compileStep(config);
  });
  return {
    steps,
    labelsRead: [...read],
    readsAllNames: configs.some(({ action }) => action.startsWith('label')),
    readsAllValues: configs.some(({ action }) => action === 'labelmap'),
  };
}

/**
 * Runs the rules in order (Prometheus model/relabel `Process`).
 * @param labels sorted, as {@link Labels} are
 * @param read told each value that a rule reads. A value that none reads passes as it is, is removed, or is overwritten
 * @returns sorted, no empty values; undefined where a rule drops the set, which ends the run
 */
export function relabel(rules: CompiledRules, labels: Labels, read?: (value: string) => void): Labels | undefined {
  if (rules.steps.length === 0) return labels;
  const builder = new LabelBuilder(labels, read);
  for (const step of rules.steps) if (!step(builder)) return undefined;
  return builder.labels();
}

function compileStep(config: RelabelConfig): Step {
  const source = joiner(config);
  const target = config.targetLabel;
  switch (config.action) {
    case 'replace':
      return replaceStep(config, source);
    case 'keep': {
      const pattern = compilePattern(config.regex);
      return (labels) => pattern.test(source(labels));
    }
    case 'drop': {
      const pattern = compilePattern(config.regex);
      return (labels) => !pattern.test(source(labels));
    }
    case 'keepequal':
      return (labels) => labels.get(target) === source(labels);
    case 'dropequal':
      return (labels) => labels.get(target) !== source(labels);
    case 'hashmod': {
      const modulus = BigInt(config.modulus);
      return always((labels) => labels.set(target, hashMod(source(labels), modulus)));
    }
    case 'lowercase':
      return always((labels) => labels.set(target, toLowerCase(source(labels))));
    case 'uppercase':
      return always((labels) => labels.set(target, toUpperCase(source(labels))));
    case 'labelmap':
      return labelMapStep(config);
    case 'labeldrop':
      return deleteNames(compilePattern(config.regex), true);
    case 'labelkeep':
      return deleteNames(compilePattern(config.regex), false);
  }
}

const always =
  (change: (labels: LabelBuilder) => void): Step =>
  (labels) => {
    change(labels);
    return true;
  };

/** The source labels' values joined; a missing label counts as empty. */
function joiner({ sourceLabels, separator }: RelabelConfig): (labels: LabelBuilder) => string {
  const [first] = sourceLabels;
  if (first === undefined) return () => '';
  if (sourceLabels.length === 1) return (labels) => labels.get(first);
  return (labels) => sourceLabels.map((name) => labels.get(name)).join(separator);
}

function replaceStep(config: RelabelConfig, source: (labels: LabelBuilder) => string): Step {
  const pattern = compilePattern(config.regex);
  const targetTemplate = compileTemplate(config.targetLabel, pattern);
  const replacement = compileTemplate(config.replacement, pattern);
  return always((labels) => {
    const groups = pattern.match(source(labels));
    if (groups === undefined) return;
    const target = expandTemplate(targetTemplate, groups);
    if (isValidName(target)) labels.set(target, expandTemplate(replacement, groups));
  });
}

/**
 * Copies the values of matching names to new names; the old ones stay. Where the new name comes out empty Prometheus makes
 * a label that no receiver takes; here it is skipped.
 */
function labelMapStep(config: RelabelConfig): Step {
  const pattern = compilePattern(config.regex);
  const template = compileTemplate(config.replacement, pattern);
  return always((labels) => {
    for (const [name, value] of labels.entries()) {
      const groups = pattern.match(name);
      if (groups === undefined) continue;
      const mapped = expandTemplate(template, groups);
      if (isValidName(mapped)) labels.set(mapped, value);
    }
  });
}

const deleteNames = (pattern: Pattern, matching: boolean): Step =>
  always((labels) => {
    for (const [name] of labels.entries()) if (pattern.test(name) === matching) labels.delete(name);
  });

const utf8 = new TextEncoder();

/** The last 8 bytes of the MD5, as a big-endian integer, modulo `modulus`. */
function hashMod(text: string, modulus: bigint): string {
  const digest = md5(utf8.encode(text));
  return (new DataView(digest.buffer).getBigUint64(8) % modulus).toString();
}
