import {
  type Decoder,
  expected,
  FAILED,
  list,
  nonEmptyString,
  object,
  positiveDuration,
  refine,
  required,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { defaultFileSd } from './defaults.ts';
import { filePath } from './secrets.ts';
import type { FileSdConfig } from './types.ts';

/** Prometheus' rule (discovery/file): `*` only in the last element of the path. */
const FILE_PATTERN = /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/;

const filePattern =
  (baseDir: string): Decoder<string> =>
  (place) => {
    const text = nonEmptyString(place);
    if (text === FAILED) return FAILED;
    if (FILE_PATTERN.test(text)) return filePath(baseDir)(place);
    return expected(place, 'a path that ends in .json, .yml or .yaml and has * only in its last element');
  };

/** An entry of `file_sd_configs`. */
export const fileSdConfig = (baseDir: string): Decoder<FileSdConfig> =>
  refine(
    object({
      files: required(list(filePattern(baseDir))),
      refresh_interval: withDefault(positiveDuration, defaultFileSd.refreshIntervalMs),
    }),
    (raw) => ({ kind: 'file', files: raw.files, refreshIntervalMs: raw.refresh_interval }),
  );
