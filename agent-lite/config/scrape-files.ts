import { dirname } from 'node:path/posix';
import {
  type Decoder,
  expected,
  FAILED,
  type Failed,
  fail,
  list,
  nonEmptyString,
  object,
  type Place,
  refine,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { parseYaml } from '../../contract/yaml/document.ts';
import { type RawScrapeConfig, rawScrapeConfig } from './scrape.ts';
import { filePath } from './secrets.ts';

/** The files beside the configuration; paths are absolute. Both throw with what the message shall say. */
export interface ConfigFiles {
  /** The files a pattern names, sorted. `*` and `?` stand in the last element of the path only. */
  match(pattern: string): readonly string[];
  read(path: string): string;
}

export const noFiles: ConfigFiles = {
  match: () => [],
  read: (path) => {
    throw new Error(`${path} cannot be read here`);
  },
};

const WILD = /[*?[]/;

/** Prometheus' rule: `*` only in the last element of the path. */
const pattern =
  (baseDir: string): Decoder<string> =>
  (place) => {
    const text = nonEmptyString(place);
    if (text === FAILED) return FAILED;
    if (WILD.test(text.slice(0, text.lastIndexOf('/') + 1)) || text.includes('['))
      return expected(place, 'a path that has * and ? only in its last element, and no [');
    return filePath(baseDir)(place);
  };

/**
 * `scrape_config_files`: the scrape configs of all files that the patterns name, each read as strictly as the configuration
 * itself. Relative paths in them start at their own folder. A file that is named without `*` has to be there.
 */
export function scrapeConfigFiles(baseDir: string, files: ConfigFiles): Decoder<readonly RawScrapeConfig[]> {
  return refine(list(refine(pattern(baseDir), (path, place) => filesOf(path, place, files))), (found) => found.flat());
}

function filesOf(path: string, place: Place, files: ConfigFiles): readonly RawScrapeConfig[] | Failed {
  const paths = WILD.test(path) ? tryTo(() => files.match(path), place) : [path];
  if (paths === FAILED) return FAILED;
  const configs: RawScrapeConfig[] = [];
  let failed = false;
  for (const file of paths) {
    const read = readScrapeConfigs(file, place, files);
    if (read === FAILED) failed = true;
    else configs.push(...read);
  }
  return failed ? FAILED : configs;
}

function readScrapeConfigs(file: string, place: Place, files: ConfigFiles): readonly RawScrapeConfig[] | Failed {
  const text = tryTo(() => files.read(file), place);
  if (text === FAILED) return FAILED;
  const node = parseYaml(text, file, place.errors);
  if (node === undefined) return FAILED;
  const root: Place = { node, file, line: node.line, path: '', errors: place.errors };
  const configs = object({ scrape_configs: withDefault<readonly RawScrapeConfig[]>(list(rawScrapeConfig(dirname(file))), []) })(root);
  return configs === FAILED ? FAILED : configs.scrape_configs;
}

function tryTo<T>(action: () => T, place: Place): T | Failed {
  try {
    return action();
  } catch (error) {
    return fail(place, error instanceof Error ? error.message : String(error));
  }
}
