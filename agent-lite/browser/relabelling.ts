import { compileRelabel, relabel } from '../../contract/relabel.ts';
import type { CompileRelabel } from '../scrape/target.ts';

/** Loaded only where a target has rules: with RE2's regular expressions it is a third of the whole. */
export const compileRules: CompileRelabel = (configs) => {
  const rules = compileRelabel(configs);
  return (labels) => relabel(rules, labels);
};
