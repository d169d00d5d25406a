import type { Result } from '../../contract/result.ts';
import type { YamlMap, YamlNode } from '../../contract/yaml/document.ts';
import { centralGlobalKeys, centralKeys } from './central.ts';
import type { Findings } from './findings.ts';
import { inlineSecrets, modernHttp, userOutOfUrl } from './http-client.ts';
import { type Check, pruneRefused } from './prune.ts';
import { childOf, entriesOf, isMap, itemsOf, lineOf, listNode, mapNode, textNode, textOf, withEntry, withoutKeys } from './tree.ts';

export interface AgentPartOptions {
  readonly edgeUrl: string;
  readonly tokenFile: string;
  /** Reads what was written as the agent will. */
  readonly check: Check;
}

/** Everything but the first `remote_write` that an agent does with a configuration, and `edge_push`; a message where that cannot be. */
export function agentPart(config: YamlMap, file: string, options: AgentPartOptions, findings: Findings): Result<YamlMap, string> {
  const entries: [string, YamlNode][] = [];
  for (const [key, value] of entriesOf(config)) {
    const origin = { file, line: value.line };
    const central = centralKeys[key];
    if (central !== undefined) findings.add('central', origin, key, central);
    else if (key === 'global') entries.push([key, globalPart(value, file, findings)]);
    else if (key === 'scrape_configs') entries.push([key, jobs(value, file, findings)]);
    else if (key === 'remote_write') {
      const others = itemsOf(value).slice(1);
      if (others.length > 0) entries.push([key, directReceivers(others, file, findings)]);
    } else if (key !== 'edge_push') entries.push([key, value]);
    if (key === 'scrape_config_files')
      findings.add(
        'toDo',
        origin,
        key,
        'the files are read by agent-lite as they are: `agent-lite check-config` says what in them it does not take',
      );
  }
  entries.push(['edge_push', edgePush(options)]);
  const pruned = pruneRefused(mapNode(entries, config.line), options.check, (path, line, problem) =>
    findings.add('leftOut', { file, line }, sourcePath(path), problem),
  );
  if (!pruned.ok) return pruned;
  tellJobs(pruned.value, file, findings);
  tellLabels(childOf(pruned.value, 'global', 'external_labels'), file, findings);
  for (const { path, line } of inlineSecrets(withoutKeys(pruned.value, ['edge_push'])))
    findings.add(
      'toDo',
      { file, line },
      path,
      'a secret stands in agent.yml, as it stood before; better in a file (`*_file`) of mode 0600',
    );
  return pruned;
}

/** agent.yml lacks the first `remote_write`. */
const sourcePath = (path: string): string =>
  path.replace(/^remote_write\[(\d+)\]/, (_, index: string) => `remote_write[${Number(index) + 1}]`);

function globalPart(global: YamlNode, file: string, findings: Findings): YamlNode {
  for (const [key, note] of Object.entries(centralGlobalKeys)) {
    if (childOf(global, key) !== undefined) findings.add('central', { file, line: lineOf(global, key) }, `global.${key}`, note);
  }
  return withoutProto(withoutKeys(global, Object.keys(centralGlobalKeys)), 'global', file, findings);
}

function jobs(configs: YamlNode, file: string, findings: Findings): YamlNode {
  if (configs.kind !== 'list') return configs;
  return listNode(
    configs.items.map((job, i) => {
      if (!isMap(job)) return job;
      const path = `scrape_configs[${i}]`;
      let changed: YamlNode = withoutProto(modernHttp(job, path, file, findings), path, file, findings);
      const classic = childOf(changed, 'scrape_classic_histograms');
      if (classic !== undefined) {
        findings.add(
          'changed',
          { file, line: classic.line },
          `${path}.scrape_classic_histograms`,
          'is `always_scrape_classic_histograms` in Prometheus 3',
        );
        changed = withEntry(withoutKeys(changed, ['scrape_classic_histograms']), 'always_scrape_classic_histograms', classic);
      }
      for (const [key, value] of entriesOf(changed)) {
        if (!key.endsWith('_sd_configs') || value.kind !== 'list') continue;
        const discoveries = value.items.map((sd, j) => {
          const at = `${path}.${key}[${j}]`;
          return isMap(sd) ? userOutOfUrl(modernHttp(sd, at, file, findings), at, { file, line: sd.line }, findings) : sd;
        });
        changed = withEntry(changed, key, listNode(discoveries, value.line));
      }
      return changed;
    }),
    configs.line,
  );
}

/** The format that carries native histograms; the text formats beside it go on. */
function withoutProto(map: YamlNode, path: string, file: string, findings: Findings): YamlNode {
  const protocols = childOf(map, 'scrape_protocols');
  const kept = itemsOf(protocols).filter((item) => textOf(item) !== 'PrometheusProto');
  if (protocols?.kind !== 'list' || kept.length === protocols.items.length) return map;
  const line = lineOf(map, 'scrape_protocols');
  findings.add('changed', { file, line }, `${path}.scrape_protocols`, 'without PrometheusProto: native histograms are not scraped yet');
  return kept.length === 0 ? withoutKeys(map, ['scrape_protocols']) : withEntry(map, 'scrape_protocols', listNode(kept, line));
}

function directReceivers(receivers: readonly YamlNode[], file: string, findings: Findings): YamlNode {
  return listNode(
    receivers.map((receiver, i) => {
      const what = `remote_write[${i + 1}]`;
      findings.add(
        'changed',
        { file, line: receiver.line },
        what,
        'stays in agent.yml and is sent directly, as now: the edge has one receiver',
      );
      return modernHttp(receiver, what, file, findings);
    }),
  );
}

const edgePush = ({ edgeUrl, tokenFile }: AgentPartOptions): YamlNode =>
  mapNode([
    ['url', textNode(edgeUrl)],
    ['authorization', mapNode([['credentials_file', textNode(tokenFile)]])],
  ]);

/** Where the word is the job of a Prometheus that watches itself. */
const SELF = /^(?:localhost|127\.0\.0\.1|\[::1\]):(?:9090|8429)$/;

function tellJobs(agent: YamlNode, file: string, findings: Findings): void {
  for (const job of itemsOf(childOf(agent, 'scrape_configs'))) {
    const origin = { file, line: job.line };
    const name = `job \`${textOf(childOf(job, 'job_name')) ?? ''}\``;
    const parts = entriesOf(job).flatMap(([key, value]) =>
      /_configs$/.test(key) && value.kind === 'list' ? [`${key} (${value.items.length})`] : [],
    );
    findings.add('carried', origin, name, parts.join(', ') || 'no targets');
    const targets = itemsOf(childOf(job, 'static_configs')).flatMap((group) => itemsOf(childOf(group, 'targets')).map(textOf));
    if (targets.some((target) => SELF.test(target ?? '')))
      findings.add(
        'toDo',
        origin,
        name,
        'seems to watch the agent that is replaced; remove it. agent-lite pushes its own metrics as job="agent-lite"',
      );
    if (!entriesOf(job).some(([key]) => key === 'static_configs' || key.endsWith('_sd_configs')))
      findings.add(
        'toDo',
        origin,
        name,
        'has no targets left: name them in static_configs, file_sd_configs, http_sd_configs or dns_sd_configs',
      );
  }
}

function tellLabels(labels: YamlNode | undefined, file: string, findings: Findings): void {
  for (const [name, value] of entriesOf(labels)) {
    const variables = [...(textOf(value) ?? '').replaceAll('$$', '').matchAll(/\$(?:\{([^{}]*)\}|(\w+))/g)].map(
      (found) => found[1] ?? found[2],
    );
    if (variables.length > 0)
      findings.add(
        'toDo',
        { file, line: value.line },
        `external label \`${name}\``,
        `set ${variables.join(', ')} in the environment of agent-lite; a variable that is not set is an error there`,
      );
  }
}
