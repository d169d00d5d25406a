import { readFileSync } from 'node:fs';
import { checkAgentConfig } from '../../../agent-lite/cli/migrate.ts';
import { type MigrateOptions, type Migration, migrate } from '../../../agent-lite/migrate/migrate.ts';
import { formatConfigErrors } from '../../../contract/yaml/errors.ts';
import { parseRelayConfig } from '../../../functions/config/parse.ts';

export const folder = new URL('../../fixtures/migrate/', import.meta.url);
export const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

export const options: MigrateOptions = {
  from: 'auto',
  edgeUrl: 'https://edge.example.com',
  tokenFile: 'token',
  tenant: undefined,
  check: (text) => checkAgentConfig(text, '/etc/agent'),
  read,
};

/** Throws where nothing comes out. */
export function migrated(name: string, content: string | readonly string[], more: Partial<MigrateOptions> = {}): Migration {
  const result = migrate({ name, content }, { ...options, ...more });
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

/** What the two readers say of the written files; empty: both take them. */
export function refusals({ agent, relay }: Migration): string {
  const refused = checkAgentConfig(agent, '/etc/agent');
  const relayResult = parseRelayConfig(relay, 'relay.yml');
  return formatConfigErrors([...refused, ...(relayResult.ok ? [] : relayResult.error)]);
}
