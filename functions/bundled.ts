import { err, ok, type Result } from '../contract/result.ts';
import relayYaml from '../infra/relay.yml';
import type { Bindings } from './bindings.ts';
import { type OpenStore, openS3 } from './buffer/open.ts';
import { openR2 } from './buffer/r2.ts';
import { platformClock } from './clock.ts';
import { parseRelayConfig } from './config/parse.ts';
import { createSettingsReader, type SettingErrors, type Settings } from './env.ts';

/** The settings of the Worker and of its shards: infra/relay.yml as it was when this was built, unless the texts say otherwise. */
export const settingsOf = createSettingsReader(relayYaml, parseRelayConfig);

/** The bucket: S3 where the settings name one, else the R2 binding. */
export function storeOf({ s3 }: Settings, { BUFFER }: Pick<Bindings, 'BUFFER'>): Result<OpenStore, SettingErrors> {
  if (s3 !== undefined) return ok(openS3(s3, platformClock));
  if (BUFFER !== undefined) return ok(openR2(BUFFER));
  return err(['BUFFER: expected an R2 bucket of this name in wrangler.toml, or S3_ENDPOINT and what belongs to it; got neither.']);
}
