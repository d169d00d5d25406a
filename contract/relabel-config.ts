import { isValidName } from './labels.ts';
import { compilePattern, PatternError } from './regex.ts';

/** One relabelling rule as Prometheus configures it (`relabel_configs`, `metric_relabel_configs`, `write_relabel_configs`). */
export interface RelabelConfig {
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  /** RE2; must match the whole text. */
  readonly regex: string;
  /** An integer of 0 (unset) to 2^53 - 1. */
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly action: RelabelAction;
}

export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;
export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

export const defaultRelabelConfig: RelabelConfig = {
  sourceLabels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
  action: 'replace',
};

/** The key of `prometheus.yml` that a problem is about, and what is wrong with it. */
export interface RelabelProblem {
  readonly key: 'source_labels' | 'separator' | 'regex' | 'modulus' | 'target_label' | 'replacement';
  readonly message: string;
}

/**
 * The checks of Prometheus' model/relabel `Config.Validate` with UTF-8 names allowed: a key that an action does not read is
 * refused rather than ignored.
 */
export function checkRelabelConfig(config: RelabelConfig): RelabelProblem | undefined {
  return checkUnusedKeys(config) ?? checkTarget(config) ?? checkModulus(config) ?? checkRegex(config);
}

const KEYS = {
  source_labels: (config: RelabelConfig) => config.sourceLabels.length === 0,
  separator: (config: RelabelConfig) => config.separator === defaultRelabelConfig.separator,
  regex: (config: RelabelConfig) => config.regex === defaultRelabelConfig.regex,
  modulus: (config: RelabelConfig) => config.modulus === 0,
  target_label: (config: RelabelConfig) => config.targetLabel === '',
  replacement: (config: RelabelConfig) => config.replacement === defaultRelabelConfig.replacement,
} as const;
type Key = keyof typeof KEYS;

const ALLOWED: { readonly [A in RelabelAction]?: { readonly keys: readonly Key[]; readonly text: string } } = {
  keepequal: { keys: ['source_labels', 'target_label'], text: 'only source_labels and target_label' },
  dropequal: { keys: ['source_labels', 'target_label'], text: 'only source_labels and target_label' },
  labeldrop: { keys: ['regex'], text: 'only regex' },
  labelkeep: { keys: ['regex'], text: 'only regex' },
  lowercase: { keys: ['source_labels', 'separator', 'regex', 'modulus', 'target_label'], text: 'no replacement' },
  uppercase: { keys: ['source_labels', 'separator', 'regex', 'modulus', 'target_label'], text: 'no replacement' },
};

function checkUnusedKeys(config: RelabelConfig): RelabelProblem | undefined {
  const allowed = ALLOWED[config.action];
  if (allowed === undefined) return undefined;
  for (const key of Object.keys(KEYS) as Key[]) {
    if (!allowed.keys.includes(key) && !KEYS[key](config)) {
      return { key, message: `action ${config.action} takes ${allowed.text}; remove this key` };
    }
  }
  return undefined;
}

const NEEDS_TARGET: readonly RelabelAction[] = ['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal'];

function checkTarget({ action, targetLabel, replacement }: RelabelConfig): RelabelProblem | undefined {
  if (NEEDS_TARGET.includes(action) && !isValidName(targetLabel)) {
    return { key: 'target_label', message: `action ${action} needs a label name here, got ${JSON.stringify(targetLabel)}` };
  }
  if (action === 'labelmap' && !isValidName(replacement)) {
    return { key: 'replacement', message: `action labelmap needs a label name such as $1 here, got ${JSON.stringify(replacement)}` };
  }
  return undefined;
}

function checkModulus({ action, modulus }: RelabelConfig): RelabelProblem | undefined {
  if (action !== 'hashmod' || modulus > 0) return undefined;
  return { key: 'modulus', message: 'action hashmod needs an integer of 1 or more here, got 0' };
}

function checkRegex({ regex }: RelabelConfig): RelabelProblem | undefined {
  try {
    compilePattern(regex);
    return undefined;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return { key: 'regex', message: error.message };
  }
}
