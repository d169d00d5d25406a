import { decodeYaml, object, optional } from '../../contract/yaml/decode.ts';
import { relabelConfigs } from '../../contract/yaml/relabel-config.ts';
import type { Check } from './prune.ts';

/** Reads `write_relabel_configs` as the edge does. */
export const checkRules: Check = (text) => {
  const result = decodeYaml(text, 'relay.yml', object({ write_relabel_configs: optional(relabelConfigs) }));
  return result.ok ? [] : result.error;
};
