import { describe, expect, it } from 'vitest';
import { formatConfigErrors, parseAgentConfig } from '../../../agent-lite/config/parse.ts';
import type { ConfigFiles } from '../../../agent-lite/config/scrape-files.ts';

const edge = 'edge_push: { url: "http://127.0.0.1:8787", authorization: { credentials: t } }';

function parse(text: string, contents: Readonly<Record<string, string>>) {
  const files: ConfigFiles = {
    match: (pattern) => Object.keys(contents).filter((path) => new RegExp(`^${pattern.replace('*', '[^/]*')}$`).test(path)),
    read(path) {
      const found = contents[path];
      if (found === undefined) throw new Error(`${path}: no such file`);
      return found;
    },
  };
  const result = parseAgentConfig(`${text}\n${edge}`, { file: 'agent.yml', baseDir: '/etc/agent', env: {}, files });
  return result.ok ? result.value.scrapeConfigs : formatConfigErrors(result.error);
}

describe('scrape_config_files', () => {
  it('follow the configs of the file itself, inherit from its global, and have relative paths of their own', () => {
    const configs = parse('global: { scrape_interval: 5s }\nscrape_configs: [{ job_name: own }]\nscrape_config_files: [jobs/*.yml]', {
      '/etc/agent/jobs/a.yml': 'scrape_configs: [{ job_name: a, authorization: { credentials_file: token } }]',
      '/etc/agent/jobs/b.yml': 'scrape_configs: [{ job_name: b, scrape_interval: 7s }]',
      '/etc/agent/jobs/c.yaml': 'x',
    });
    expect(configs).toMatchObject([
      { jobName: 'own', scrapeIntervalMs: 5000 },
      { jobName: 'a', scrapeIntervalMs: 5000, http: { authorization: { credentials: { path: '/etc/agent/jobs/token' } } } },
      { jobName: 'b', scrapeIntervalMs: 7000 },
    ]);
  });

  it('may match nothing, and may be empty', () => {
    expect(parse('scrape_config_files: [jobs/*.yml]', {})).toEqual([]);
    expect(parse('scrape_config_files: [a.yml]', { '/etc/agent/a.yml': 'scrape_configs:' })).toEqual([]);
  });

  const refused: [name: string, text: string, contents: Record<string, string>, message: string][] = [
    ['a missing one', 'scrape_config_files: [a.yml]', {}, 'agent.yml:1: scrape_config_files[0]: /etc/agent/a.yml: no such file'],
    [
      'a wildcard in a folder',
      'scrape_config_files: ["*/a.yml"]',
      {},
      'agent.yml:1: scrape_config_files[0]: expected a path that has * and ? only in its last element, and no [, got "*/a.yml"',
    ],
    [
      'an unknown key',
      'scrape_config_files: [a.yml]',
      { '/etc/agent/a.yml': 'scrape_configs:\n  - job_name: a\n    interval: 5s' },
      '/etc/agent/a.yml:3: scrape_configs[0].interval: unknown key',
    ],
    [
      'what belongs into the main file',
      'scrape_config_files: [a.yml]',
      { '/etc/agent/a.yml': 'global: {}' },
      '/etc/agent/a.yml:1: global: unknown key (known: scrape_configs)',
    ],
    ['broken YAML', 'scrape_config_files: [a.yml]', { '/etc/agent/a.yml': '{' }, '/etc/agent/a.yml:1: not valid YAML'],
    ['an empty file', 'scrape_config_files: [a.yml]', { '/etc/agent/a.yml': '' }, '/etc/agent/a.yml:1: expected a map, got nothing'],
    [
      'a job of another file',
      'scrape_configs: [{ job_name: a }]\nscrape_config_files: [a.yml]',
      { '/etc/agent/a.yml': 'scrape_configs: [{ job_name: a }]' },
      '/etc/agent/a.yml:1: scrape_configs[0].job_name: expected a name that no other scrape config has, got "a", which agent.yml:1 has',
    ],
  ];
  it.each(refused)('refuses %s', (_, text, contents, message) => {
    expect(parse(text, contents)).toContain(message);
  });
});
