import relayYaml from '../infra/relay.yml';
import { parseRelayConfig } from './config/parse.ts';
import { createSettingsReader } from './env.ts';

/** The settings of the Worker and of its shards: infra/relay.yml as it was when this was built, unless the texts say otherwise. */
export const settingsOf = createSettingsReader(relayYaml, parseRelayConfig);
