import { parseYaml, type YamlMap, type YamlNode } from '../../contract/yaml/document.ts';
import type { ConfigError } from '../../contract/yaml/errors.ts';
import type { Findings } from './findings.ts';
import { childOf, entriesOf, isMap, itemsOf, listNode, mapNode, textNode, textOf, withEntry } from './tree.ts';

/** Where charts keep what Prometheus is told: kube-prometheus-stack, the operator's resources, the chart `prometheus`. */
const SPEC_PATHS: readonly (readonly string[])[] = [['prometheus', 'prometheusSpec'], ['prometheusSpec'], ['spec'], ['server'], []];

/** The values of Prometheus itself among those of a chart; undefined where there are none. */
export function helmSpec(values: YamlNode): YamlNode | undefined {
  const known = [
    'remoteWrite',
    'externalLabels',
    'scrapeInterval',
    'additionalScrapeConfigs',
    'serverFiles',
    'extraScrapeConfigs',
    'global',
  ];
  for (const path of SPEC_PATHS) {
    const spec = childOf(values, ...path);
    if (isMap(spec) && (path.length === 2 || known.some((key) => spec.entries.has(key)))) return spec;
  }
  return childOf(values, 'serverFiles') === undefined ? undefined : values;
}

/** Words of the operator's resources that are not Prometheus' with other letters. */
const WORDS: Readonly<Record<string, string>> = {
  retryOnRateLimit: 'retry_on_http_429',
  azureAd: 'azuread',
  enableHttp2: 'enable_http2',
  enableHTTP2: 'enable_http2',
  messageVersion: 'protobuf_message',
};
/** Below these keys names are the user's. */
const FREE_NAMES = ['headers', 'params', 'labels', 'external_labels', 'http_headers'];

/** `writeRelabelConfigs` as `write_relabel_configs`, at every depth. */
export function snakeCase(node: YamlNode, under = ''): YamlNode {
  if (node.kind === 'text') return node;
  if (node.kind === 'list')
    return listNode(
      node.items.map((item) => snakeCase(item, under)),
      node.line,
    );
  return mapNode(
    entriesOf(node).map(([key, value]) => {
      const name = FREE_NAMES.includes(under) ? key : (WORDS[key] ?? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
      return [name, snakeCase(value, name)] as const;
    }),
    node.line,
  );
}

const GLOBAL_KEYS = [
  'scrapeInterval',
  'scrapeTimeout',
  'evaluationInterval',
  'externalLabels',
  'bodySizeLimit',
  'sampleLimit',
  'targetLimit',
  'labelLimit',
  'labelNameLengthLimit',
  'labelValueLengthLimit',
  'keepDroppedTargets',
  'scrapeProtocols',
];
const CENTRAL_KEYS: Readonly<Record<string, string>> = {
  ruleSelector: 'an agent evaluates no rules. PrometheusRule resources go to Thanos Ruler (ThanosRuler `ruleSelector`)',
  ruleNamespaceSelector: 'an agent evaluates no rules. PrometheusRule resources go to Thanos Ruler',
  additionalAlertManagerConfigs: 'an agent sends no alerts; Thanos Ruler does',
  additionalAlertRelabelConfigs: 'an agent sends no alerts; Thanos Ruler does',
  alertingEndpoints: 'an agent sends no alerts; Thanos Ruler does',
  alerting: 'an agent sends no alerts; Thanos Ruler does',
  remoteRead: 'an agent answers no queries; Thanos Query does',
  retention: 'an agent keeps no series; it is a setting of Thanos Compactor or of your receiver',
  retentionSize: 'an agent keeps no series; the log on the device has `--storage.agent.retention.size`',
  storageSpec: 'an agent keeps no series; the log on the device has `--storage.agent.path`',
  persistentVolume: 'an agent keeps no series; the log on the device has `--storage.agent.path`',
  thanos: 'no sidecar: the edge writes to Thanos Receive',
  tsdb: 'an agent has no time series database; `outOfOrderTimeWindow` is a setting of the receiver and of relay.yml',
};
const MONITORS = /^(?:serviceMonitor|podMonitor|probe|scrapeConfig)(?:Namespace)?Selector$/;

/** Helm values as the prometheus.yml that they make, as far as that can be said without the cluster. */
export function fromHelm(values: YamlMap, spec: YamlNode, file: string, findings: Findings): YamlMap {
  let global: YamlNode = mapNode([]);
  const scrapes: YamlNode[] = [];
  const rest: [string, YamlNode][] = [];
  const unread: string[] = [];
  const addScrapes = (node: YamlNode, what: string): void => void scrapes.push(...scrapeConfigs(node, what, file, findings));

  const inFile = childOf(values, 'serverFiles', 'prometheus.yml');
  for (const [key, value] of entriesOf(inFile)) {
    if (key === 'scrape_configs') addScrapes(value, 'serverFiles');
    else if (key === 'global') global = mapNode([...entriesOf(global), ...entriesOf(value)], value.line);
    else rest.push([key, value]);
  }
  const outer =
    spec === values ? [] : entriesOf(values).filter(([key]) => ['extraScrapeConfigs', 'scrapeConfigs', 'serverFiles'].includes(key));
  for (const [key, value] of [...entriesOf(spec), ...outer]) {
    const origin = { file, line: value.line };
    const central = CENTRAL_KEYS[key];
    if (key === 'remoteWrite') rest.push(['remote_write', snakeCase(value)]);
    else if (key === 'global' && isMap(value)) global = mapNode([...entriesOf(global), ...entriesOf(snakeCase(value))], value.line);
    else if (GLOBAL_KEYS.includes(key)) {
      for (const [name, inner] of entriesOf(snakeCase(mapNode([[key, value]])))) global = withEntry(global, name, inner);
    } else if (['additionalScrapeConfigs', 'extraScrapeConfigs', 'scrapeConfigs'].includes(key)) addScrapes(value, key);
    else if (central !== undefined) {
      if (!isEmpty(value)) findings.add('central', origin, key, central);
    } else if (MONITORS.test(key))
      findings.add(
        'leftOut',
        origin,
        key,
        'targets that the operator finds in Kubernetes are not found on a device; write scrape_configs for them',
      );
    else if (key === 'serverFiles') tellFiles(value, file, findings);
    else if (key === 'replicaExternalLabelName' || key === 'prometheusExternalLabelName')
      findings.add('leftOut', origin, key, 'labels of the operator are not added');
    else unread.push(key);
  }
  if (spec !== values && childOf(values, 'server') === undefined)
    findings.add(
      'changed',
      { file, line: spec.line },
      'labels `prometheus` and `prometheus_replica`',
      'the operator adds them to what it writes; agent-lite does not. Queries that use them need another label',
    );
  const others = [...unread, ...(spec === values ? [] : entriesOf(values).map(([key]) => key))].filter(
    (key) =>
      ![
        'prometheus',
        'prometheusSpec',
        'spec',
        'server',
        'serverFiles',
        'extraScrapeConfigs',
        'scrapeConfigs',
        'apiVersion',
        'kind',
        'metadata',
      ].includes(key),
  );
  if (others.length > 0)
    findings.add('leftOut', { file, line: 0 }, 'other values', `not about scraping or writing, not read: ${others.join(', ')}`);
  return mapNode([
    ...(entriesOf(global).length > 0 ? [['global', global] as const] : []),
    ...(scrapes.length > 0 ? [['scrape_configs', listNode(scrapes)] as const] : []),
    ...rest,
  ]);
}

const isEmpty = (node: YamlNode): boolean =>
  node.kind === 'map' ? node.entries.size === 0 : node.kind === 'list' ? node.items.length === 0 : node.text === '';

/** A list, a map of jobs by name, or either as a text. */
function scrapeConfigs(node: YamlNode, what: string, file: string, findings: Findings): readonly YamlNode[] {
  if (node.kind === 'list') return node.items;
  if (node.kind === 'map') {
    if (childOf(node, 'name') !== undefined && childOf(node, 'key') !== undefined) {
      findings.add(
        'leftOut',
        { file, line: node.line },
        what,
        'stands in a Secret of the cluster; migrate its content as a prometheus.yml',
      );
      return [];
    }
    return entriesOf(node).flatMap(([name, job]) => {
      if (!isMap(job) || textOf(childOf(job, 'enabled')) === 'false') return [];
      const rest = entriesOf(job).filter(([key]) => key !== 'enabled');
      return [
        mapNode([...(childOf(job, 'job_name') === undefined ? [['job_name', textNode(name, job.line)] as const] : []), ...rest], job.line),
      ];
    });
  }
  if (node.text.trim() === '') return [];
  const errors: ConfigError[] = [];
  // Go templates in braces are put in by the chart and are no YAML.
  const tree = parseYaml(node.text, file, errors);
  if (tree !== undefined) return itemsOf(tree).map((item) => ({ ...item, line: node.line }));
  findings.add('leftOut', { file, line: node.line }, what, `cannot be read: ${errors[0]?.problem ?? ''}`);
  return [];
}

function tellFiles(files: YamlNode, file: string, findings: Findings): void {
  for (const [name, value] of entriesOf(files)) {
    if (name === 'prometheus.yml' || isEmpty(value)) continue;
    findings.add(
      'central',
      { file, line: value.line },
      `serverFiles \`${name}\``,
      'an agent evaluates no rules. Give them to Thanos Ruler',
    );
  }
}
