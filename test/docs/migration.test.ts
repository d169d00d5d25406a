import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { migrateHelp, parseMigrateArguments } from '../../agent-lite/cli/migrate.ts';
import { parseRelayConfig } from '../../functions/config/parse.ts';

const text = readFileSync(new URL('../../docs/migration.md', import.meta.url), 'utf8');

it('docs/migration.md: the tenants of the trial are those of the real one, with a label more', () => {
  const tenants = /```yaml\n(tenants:[^`]*)```/.exec(text)?.[1] ?? '';
  const relay = parseRelayConfig(`receivers: [{ name: a, url: "http://a/", kind: thanos }]\n${tenants}`, 'relay.yml');
  expect(relay.ok && relay.value.tenants['acme']?.externalLabels).toEqual([['cluster', 'north']]);
  expect(relay.ok && relay.value.tenants['acme-trial']?.externalLabels).toEqual([
    ['cluster', 'north'],
    ['trial', 'agent-lite'],
  ]);
});

it('docs/migration.md: its commands are taken', () => {
  const commands = [...text.matchAll(/^agent-lite migrate (.*(?:\\\n.*)*)/gm)].map((found) =>
    (found[1] ?? '').replace(/#.*$/, '').replaceAll('\\\n', ' '),
  );
  expect(commands).toHaveLength(4);
  for (const command of commands) expect(parseMigrateArguments(command.trim().split(/\s+/))).toMatchObject({ ok: true });
  for (const flag of ['--edge.url', '--output-dir', '--from']) expect(migrateHelp).toContain(flag);
});
