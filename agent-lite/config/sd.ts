import { type Decoded, type Decoder, type Field, list, refine, withDefault } from '../../contract/yaml/decode.ts';
import { addressGroup, targetGroup } from '../../contract/yaml/target-groups.ts';
import { dnsSdConfig } from './dns-sd.ts';
import { fileSdConfig } from './file-sd.ts';
import { httpSdConfig } from './http-sd.ts';
import type { SdConfig } from './types.ts';

const entries = (reader: Decoder<SdConfig>): Field<readonly SdConfig[]> => withDefault<readonly SdConfig[]>(list(reader), []);

/** The keys under which a scrape config says where its targets come from; `relabelled`: rules will make addresses of them. A further kind is one more line, and its reader a file. */
export const sdFields = (baseDir: string, relabelled: boolean) => ({
  static_configs: entries(refine(relabelled ? targetGroup : addressGroup, (group) => ({ kind: 'static', group }))),
  file_sd_configs: entries(fileSdConfig(baseDir)),
  http_sd_configs: entries(httpSdConfig(baseDir)),
  dns_sd_configs: entries(dnsSdConfig),
});

export const sdConfigs = (values: Decoded<ReturnType<typeof sdFields>>): readonly SdConfig[] => [
  ...values.static_configs,
  ...values.file_sd_configs,
  ...values.http_sd_configs,
  ...values.dns_sd_configs,
];
