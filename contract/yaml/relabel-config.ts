import { isValidName, type Labels, sortLabels } from '../labels.ts';
import { checkRelabelConfig, defaultRelabelConfig, RELABEL_ACTIONS, type RelabelConfig } from '../relabel.ts';
import {
  type Decoder,
  expected,
  fail,
  int,
  list,
  mapOf,
  object,
  type Place,
  placeOf,
  refine,
  string,
  text,
  withDefault,
} from './decode.ts';

/** A label name by Prometheus 3's rules: any text but the empty one. */
export const labelName: Decoder<string> = refine(string, (name, place) => (isValidName(name) ? name : expected(place, 'a label name')));

/** A map of label names and values; labels with empty values are left out, since they mean "absent". */
export const labelsOf = (value: Decoder<string>): Decoder<Labels> =>
  refine(mapOf(value), (pairs, place) => {
    const bad = pairs.find(([name]) => !isValidName(name));
    return bad === undefined ? sortLabels(pairs) : fail(placeOf(place, bad[0]), `expected a label name, got ${JSON.stringify(bad[0])}`);
  });
export const labels: Decoder<Labels> = labelsOf(string);

const action: Decoder<RelabelConfig['action']> = refine(string, (word, place) => {
  const found = RELABEL_ACTIONS.find((name) => name === word.toLowerCase());
  return found ?? expected(place, `one of ${RELABEL_ACTIONS.join(', ')}`);
});

/** One rule with Prometheus' defaults and checks. */
export const relabelConfig: Decoder<RelabelConfig> = refine(
  object({
    source_labels: withDefault(list(labelName), defaultRelabelConfig.sourceLabels),
    separator: text(defaultRelabelConfig.separator),
    regex: text(defaultRelabelConfig.regex),
    modulus: withDefault(int(0), defaultRelabelConfig.modulus),
    target_label: text(defaultRelabelConfig.targetLabel),
    replacement: text(defaultRelabelConfig.replacement),
    action: withDefault(action, defaultRelabelConfig.action),
  }),
  (raw, place: Place) => {
    const config: RelabelConfig = {
      sourceLabels: raw.source_labels,
      separator: raw.separator,
      regex: raw.regex,
      modulus: raw.modulus,
      targetLabel: raw.target_label,
      replacement: raw.replacement,
      action: raw.action,
    };
    const problem = checkRelabelConfig(config);
    return problem === undefined ? config : fail(placeOf(place, problem.key), problem.message);
  },
);

export const relabelConfigs: Decoder<readonly RelabelConfig[]> = list(relabelConfig);
