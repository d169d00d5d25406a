import type { Result } from '../../contract/result.ts';
import {
  type Decoder,
  decodeYaml,
  FAILED,
  fail,
  list,
  object,
  optional,
  placeOf,
  refine,
  withDefault,
} from '../../contract/yaml/decode.ts';
import type { ConfigError } from '../../contract/yaml/errors.ts';
import { defaultGlobal, defaultInherited } from './defaults.ts';
import { edgePushConfig } from './edge-push.ts';
import type { Environment } from './environment.ts';
import { globalConfig } from './global.ts';
import { remoteWriteConfigs } from './remote-write.ts';
import { type RawScrapeConfig, rawScrapeConfig } from './scrape.ts';
import { type ConfigFiles, noFiles, scrapeConfigFiles } from './scrape-files.ts';
import type { AgentConfig, RemoteWriteConfig } from './types.ts';
import { refusedTopLevelKeys } from './unsupported.ts';
import { buildScrapeConfigs } from './validate.ts';

export { type ConfigError, formatConfigErrors } from '../../contract/yaml/errors.ts';

export interface ParseOptions {
  /** The file's name for messages. */
  readonly file: string;
  /** Absolute; relative paths in the file start here. */
  readonly baseDir: string;
  /** For `${NAME}` in external labels and the edge's address. */
  readonly env: Environment;
  /** Where `scrape_config_files` are found; without it there are none. */
  readonly files?: ConfigFiles;
}

/** Reads an agent's configuration: `prometheus.yml` as far as it is supported, plus `edge_push` (docs/configuration.md). */
export function parseAgentConfig(text: string, options: ParseOptions): Result<AgentConfig, readonly ConfigError[]> {
  return decodeYaml(text, options.file, agentConfig(options));
}

const agentConfig = ({ baseDir, env, files = noFiles }: ParseOptions): Decoder<AgentConfig> =>
  refine(
    object(
      {
        global: withDefault(globalConfig(env), { global: defaultGlobal, inherited: defaultInherited }),
        scrape_configs: withDefault<readonly RawScrapeConfig[]>(list(rawScrapeConfig(baseDir)), []),
        scrape_config_files: withDefault<readonly RawScrapeConfig[]>(scrapeConfigFiles(baseDir, files), []),
        edge_push: optional(edgePushConfig(baseDir, env)),
        remote_write: withDefault<readonly RemoteWriteConfig[]>(remoteWriteConfigs(baseDir), []),
      },
      refusedTopLevelKeys,
    ),
    ({ global: { global, inherited }, scrape_configs, scrape_config_files, edge_push: edgePush, remote_write: remoteWrite }, place) => {
      const scrapeConfigs = buildScrapeConfigs([...scrape_configs, ...scrape_config_files], global, inherited);
      if (edgePush === undefined && remoteWrite.length === 0)
        return fail(placeOf(place, 'edge_push'), 'expected edge_push or remote_write, got neither: samples would go nowhere');
      return scrapeConfigs === FAILED ? FAILED : { global, scrapeConfigs, edgePush, remoteWrite };
    },
  );
