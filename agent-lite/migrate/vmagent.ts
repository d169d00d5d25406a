import { err, ok, type Result } from '../../contract/result.ts';
import { parseYaml, type YamlMap, type YamlNode } from '../../contract/yaml/document.ts';
import { type ConfigError, formatConfigErrors } from '../../contract/yaml/errors.ts';
import type { Findings } from './findings.ts';
import { pruneRefused } from './prune.ts';
import { checkRules } from './rules.ts';
import { childOf, isMap, itemsOf, listNode, mapNode, textNode, withEntry } from './tree.ts';
import { type Flags, listFlag, tellOthers, urlFlag } from './vm-flags.ts';
import { prometheusRules } from './vm-rules.ts';
import { dollarVariables, prometheusScrapes } from './vm-scrape.ts';

/** Throws with what to say where the file cannot be read. */
export type ReadText = (path: string) => string;

export interface PrometheusSource {
  readonly config: YamlMap;
  /** The file its lines are of. */
  readonly file: string;
}

/**
 * What vmagent does under these flags, as the prometheus.yml that does the same.
 * @param origin what the flags stand in, for the report
 */
export function fromVmagent(flags: Flags, origin: string, read: ReadText, findings: Findings): Result<PrometheusSource, string> {
  const used = new Set<string>();
  const all = (name: string): readonly string[] => {
    used.add(name);
    return listFlag(flags, name);
  };
  const place = { file: origin, line: 0 };
  const [scrapeFile, ...moreFiles] = all('promscrape.config');
  if (scrapeFile === undefined && flags.get('remoteWrite.url') === undefined)
    return err('expected flags of vmagent, -promscrape.config or -remoteWrite.url, got neither');
  for (const more of moreFiles)
    findings.add('leftOut', place, `-promscrape.config=${more}`, 'one file is read; migrate the others one by one');
  let config: YamlMap = mapNode([]);
  if (scrapeFile !== undefined) {
    const variables = new Map<string, number>();
    const tree = readTree(scrapeFile, (path) => dollarVariables(read(path), variables));
    if (!tree.ok) return tree;
    if (!isMap(tree.value)) return err(`${scrapeFile}: expected a map, as in prometheus.yml`);
    config = prometheusScrapes(tree.value, scrapeFile, findings);
    for (const [name, line] of variables)
      findings.add(
        'toDo',
        { file: scrapeFile, line },
        `%{${name}}`,
        'is now a variable of the environment, which agent-lite puts into external_labels only: elsewhere write its value',
      );
  }
  const file = scrapeFile ?? origin;
  findings.withoutLine(file, origin);

  const size = all('promscrape.maxScrapeSize')[0];
  if (size !== undefined) config = withGlobal(config, 'body_size_limit', textNode(/^\d+$/.test(size) ? `${size}B` : size));
  for (const pair of all('remoteWrite.label')) {
    const [name = '', ...value] = pair.split('=');
    const labels = childOf(config, 'global', 'external_labels') ?? mapNode([]);
    config = withGlobal(config, 'external_labels', withEntry(labels, name, textNode(value.join('=').replaceAll('$', '$$$$'), 0, false)));
    findings.add(
      'changed',
      place,
      `-remoteWrite.label=${pair}`,
      'is an external label now: a series that has this label itself keeps its own',
    );
  }

  const shared = all('remoteWrite.relabelConfig').flatMap((path) => readRules(path, read, findings));
  const writes = all('remoteWrite.url').map((url, i) => remoteWrite(url, i, shared));
  function remoteWrite(url: string, index: number, before: readonly YamlNode[]): YamlNode {
    const of = (name: string): string | undefined => {
      used.add(`remoteWrite.${name}`);
      return urlFlag(flags, `remoteWrite.${name}`, index);
    };
    const entries: [string, YamlNode][] = [['url', textNode(url, 0, false)]];
    const put = (key: string, ...fields: readonly (readonly [string, string | undefined])[]): void => {
      const given = fields.flatMap(([field, text]) => (text === undefined ? [] : [[field, textNode(text)] as const]));
      if (given.length > 0) entries.push([key, mapNode(given)]);
    };
    const timeout = of('sendTimeout');
    if (timeout !== undefined) entries.push(['remote_timeout', textNode(timeout)]);
    put(
      'headers',
      ...(of('headers') ?? '').split('^^').flatMap((header) => {
        const pair = /^([^:]+):\s*(.*)$/s.exec(header);
        return pair === null ? [] : [[pair[1] ?? '', pair[2]] as const];
      }),
    );
    put(
      'basic_auth',
      ['username', of('basicAuth.username')],
      ['password', of('basicAuth.password')],
      ['password_file', of('basicAuth.passwordFile')],
    );
    put('authorization', ['credentials', of('bearerToken')], ['credentials_file', of('bearerTokenFile')]);
    put(
      'oauth2',
      ['client_id', of('oauth2.clientID')],
      ['client_secret', of('oauth2.clientSecret')],
      ['client_secret_file', of('oauth2.clientSecretFile')],
      ['token_url', of('oauth2.tokenUrl')],
    );
    put(
      'tls_config',
      ['ca_file', of('tlsCAFile')],
      ['cert_file', of('tlsCertFile')],
      ['key_file', of('tlsKeyFile')],
      ['server_name', of('tlsServerName')],
      ['insecure_skip_verify', of('tlsInsecureSkipVerify')],
    );
    const proxy = of('proxyURL');
    if (proxy !== undefined) entries.push(['proxy_url', textNode(proxy, 0, false)]);
    put(
      'queue_config',
      ['max_samples_per_send', of('maxRowsPerBlock')],
      ['min_backoff', of('retryMinInterval')],
      ['max_backoff', of('retryMaxInterval') ?? of('retryMaxTime')],
    );
    const own = of('urlRelabelConfig');
    const rules = [...before, ...(own === undefined ? [] : readRules(own, read, findings))];
    if (rules.length > 0) entries.push(['write_relabel_configs', listNode(rules, 0)]);
    return mapNode(entries, 0);
  }
  if (writes.length > 0) config = withEntry(config, 'remote_write', listNode(writes, 0));
  tellOthers(flags, used, origin, findings);
  return ok({ config, file });
}

const withGlobal = (config: YamlMap, key: string, value: YamlNode): YamlMap =>
  withEntry(config, 'global', withEntry(childOf(config, 'global') ?? mapNode([]), key, value));

function readTree(path: string, read: ReadText): Result<YamlNode, string> {
  const errors: ConfigError[] = [];
  try {
    const tree = parseYaml(read(path), path, errors);
    return tree === undefined ? err(formatConfigErrors(errors)) : ok(tree);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** A file of rules. What is wrong in it is told with its own lines, so that only good rules go on. */
function readRules(path: string, read: ReadText, findings: Findings): readonly YamlNode[] {
  const tree = readTree(path, read);
  if (!tree.ok) {
    findings.add('leftOut', { file: path, line: 0 }, 'all its rules', tree.error);
    return [];
  }
  const rules = mapNode([['write_relabel_configs', prometheusRules(tree.value, 'rules', path, findings)]]);
  const kept = pruneRefused(rules, checkRules, (at, line, problem) =>
    findings.add('leftOut', { file: path, line }, at.replace('write_relabel_configs', 'rules'), problem),
  );
  return kept.ok ? itemsOf(childOf(kept.value, 'write_relabel_configs')) : [];
}
