import { err, ok, type Result } from '../../contract/result.ts';
import { parseYaml, type YamlMap } from '../../contract/yaml/document.ts';
import { type ConfigError, formatConfigErrors } from '../../contract/yaml/errors.ts';
import { agentPart } from './agent-part.ts';
import { Findings } from './findings.ts';
import { fromHelm, helmSpec } from './helm.ts';
import type { Check } from './prune.ts';
import { relayPart } from './relay-part.ts';
import { writeReport } from './report.ts';
import { childOf, entriesOf, isMap, textOf } from './tree.ts';
import { parseFlags, splitWords } from './vm-flags.ts';
import { fromVmagent, type PrometheusSource, type ReadText } from './vmagent.ts';
import { writeYaml } from './write-yaml.ts';

export const sourceKinds = ['auto', 'prometheus', 'vmagent', 'helm'] as const;
export type SourceKind = (typeof sourceKinds)[number];

export interface MigrateOptions {
  readonly from: SourceKind;
  /** Undefined: a placeholder, and the report says so. */
  readonly edgeUrl: string | undefined;
  readonly tokenFile: string;
  /** Of relay.yml; undefined: what the source says, else all tenants. */
  readonly tenant: string | undefined;
  /** Reads an agent.yml as the agent does. */
  readonly check: Check;
  /** Reads the files that flags name. */
  readonly read: ReadText;
}
export interface MigrateInput {
  /** As it was named, for the report. */
  readonly name: string;
  /** A file's text, or flags as they were given. */
  readonly content: string | readonly string[];
}

/** The three texts to write. */
export interface Migration {
  readonly agent: string;
  readonly relay: string;
  readonly report: string;
}

/** Until the edge's address is known. */
const PLACEHOLDER_EDGE = 'https://edge.example.com';

/** Makes an agent's configuration, the edge's part and a report of a configuration of Prometheus, vmagent or a Helm chart. */
export function migrate(input: MigrateInput, options: MigrateOptions): Result<Migration, string> {
  const findings = new Findings();
  const source = readSource(input, options, findings);
  if (!source.ok) return source;
  const { config, file } = source.value;
  if (options.edgeUrl === undefined)
    findings.add('toDo', { file: 'agent.yml', line: 0 }, 'edge_push.url', 'put in the address of your edge (`--edge.url`)');
  findings.add(
    'toDo',
    { file: 'agent.yml', line: 0 },
    'edge_push.authorization.credentials_file',
    `put the token of the device into \`${options.tokenFile}\`, mode 0600`,
  );
  const agent = agentPart(
    config,
    file,
    { edgeUrl: options.edgeUrl ?? PLACEHOLDER_EDGE, tokenFile: options.tokenFile, check: options.check },
    findings,
  );
  if (!agent.ok) return err(`${input.name}: ${agent.error}`);
  const relay = relayPart(config, file, { tenant: options.tenant }, findings);
  return ok({
    agent: `# Of ${input.name}. REPORT.md tells what is different.\n${writeYaml(agent.value)}`,
    relay: `# The edge's part of ${input.name}: put it together with the relay.yml there is. REPORT.md tells what is missing.\n${writeYaml(relay)}`,
    report: writeReport(findings, { source: input.name, selector: selectorOf(config) }),
  });
}

/** What the source says, as a prometheus.yml. */
function readSource(input: MigrateInput, options: MigrateOptions, findings: Findings): Result<PrometheusSource, string> {
  const { name, content } = input;
  if (typeof content !== 'string') return fromVmagent(parseFlags(content), name, options.read, findings);
  if (options.from === 'vmagent' || (options.from === 'auto' && /(?:^|[\s"'])--?(?:remoteWrite|promscrape)\.\w/.test(content)))
    return fromVmagent(parseFlags(splitWords(content)), name, options.read, findings);
  const errors: ConfigError[] = [];
  const tree = parseYaml(content, name, errors);
  if (tree === undefined) return err(formatConfigErrors(errors));
  if (!isMap(tree)) return err(`${name}: expected a prometheus.yml, Helm values or flags of vmagent, got a ${tree.kind}`);
  const spec = helmSpec(tree);
  const helm = options.from === 'helm' || (options.from === 'auto' && !looksLikePrometheus(tree) && spec !== undefined);
  if (!helm) return ok({ config: tree, file: name });
  if (spec === undefined) return err(`${name}: expected Helm values with remoteWrite, externalLabels or scrape configs, got none`);
  return ok({ config: fromHelm(tree, spec, name, findings), file: name });
}

const PROMETHEUS_KEYS = ['scrape_configs', 'remote_write', 'rule_files', 'alerting', 'scrape_config_files', 'remote_read'];
const looksLikePrometheus = (tree: YamlMap): boolean => PROMETHEUS_KEYS.some((key) => tree.entries.has(key));

/** Something to ask the receiver by: `cluster` before others. */
function selectorOf(config: YamlMap): string {
  const labels = entriesOf(childOf(config, 'global', 'external_labels'))
    .map(([name, value]) => [name, textOf(value) ?? ''] as const)
    .filter(([name]) => /^[a-zA-Z_]\w*$/.test(name));
  const [name, value] = labels.find(([label]) => label === 'cluster') ??
    labels.find(([, text]) => !text.includes('$')) ?? ['device', 'NAME'];
  return `${name}=${JSON.stringify(value)}`;
}
