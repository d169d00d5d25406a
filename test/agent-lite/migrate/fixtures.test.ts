import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { folder, migrated, read, refusals } from './run.ts';

/** Sources; the other files are named by them, or what is expected of them. */
const sources = readdirSync(folder).filter((name) => /^(?:prometheus|helm)-.*\.ya?ml$|\.flags$/.test(name));

describe('every fixture', () => {
  it.each(sources)('%s becomes files that their readers take, as recorded', async (name) => {
    const migration = migrated(name, read(name));
    expect(refusals(migration)).toBe('');
    const { agent, relay, report } = migration;
    await expect(`${agent}---\n${relay}---\n${report}`).toMatchFileSnapshot(`../../fixtures/migrate/expected/${name}.txt`);
  });

  it.each(sources)('%s leaves its secrets out of relay.yml and of the report', (name) => {
    const { relay, report } = migrated(name, read(name));
    expect(relay).not.toContain('SECRET');
    expect(report).not.toContain('SECRET');
  });

  it.each(sources)('%s is the same once it is migrated', (name) => {
    const { agent } = migrated(name, read(name));
    const again = migrated('agent.yml', agent, { from: 'prometheus' });
    const body = (text: string): string => text.replace(/^#.*\n/, '').replace(/^remote_write:\n(?: .*\n)*/m, '');
    expect(body(again.agent)).toBe(body(agent));
  });

  it('there are some', () => {
    expect(sources.length).toBeGreaterThan(9);
  });
});
