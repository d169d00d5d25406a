import type { Labels } from '../labels.ts';
import type { Result } from '../result.ts';
import {
  type Decoder,
  decodeJson,
  decodeYaml,
  expected,
  fail,
  list,
  object,
  quotedString,
  refine,
  required,
  string,
  withDefault,
} from './decode.ts';
import { type YamlLimits, yamlLimits } from './document.ts';
import type { ConfigError } from './errors.ts';
import { labelsOf } from './relabel-config.ts';

/** Targets that share labels, as in `static_configs` and in the files of `file_sd_configs`. */
export interface TargetGroup {
  /** `host:port`; or anything from which relabelling makes that. */
  readonly targets: readonly string[];
  readonly labels: Labels;
}

const target = (text: Decoder<string>): Decoder<string> =>
  refine(text, (address, place) => (address === '' ? expected(place, 'host:port') : address));

const groupOf = (text: Decoder<string>, check: typeof target = target): Decoder<TargetGroup> =>
  object({ targets: required(list(check(text))), labels: withDefault<Labels>(labelsOf(text), []) });

export const targetGroup: Decoder<TargetGroup> = groupOf(string);

/** A group whose targets no relabelling will turn into addresses: they have to be some, so a URL is told at once (config/config.go `checkStaticTargets`). */
export const addressGroup: Decoder<TargetGroup> = groupOf(string, (text) =>
  refine(target(text), (address, place) => {
    if (!address.includes('/')) return address;
    // What stands before an @ may be a password.
    const got = address.includes('@') ? 'a URL' : JSON.stringify(address);
    return fail(place, `expected host:port, got ${got}; scheme and path have their own keys, scheme and metrics_path`);
  }),
);

/** Discovery files are made by programs and may be long. */
const fileLimits: YamlLimits = { ...yamlLimits, textLength: 16 * 1024 * 1024 };

/** A file of `file_sd_configs`, JSON or YAML: a list of groups (discovery/file in Prometheus). Unknown keys are errors. */
export function parseTargetGroups(text: string, file: string): Result<readonly TargetGroup[], readonly ConfigError[]> {
  return decodeYaml(text, file, list(targetGroup), fileLimits);
}

/** The same as an answer to `http_sd_configs`: JSON. Targets and label values must be strings there. */
export function parseJsonTargetGroups(text: string, file: string): Result<readonly TargetGroup[], readonly ConfigError[]> {
  return decodeJson(text, file, list(groupOf(quotedString)), fileLimits);
}
