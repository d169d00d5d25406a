import type { YamlMap, YamlNode } from '../../contract/yaml/document.ts';
import type { Findings } from './findings.ts';
import { childOf, isMap, itemsOf, lineOf, listNode, mapNode, textNode, textOf, withEntry, withoutKeys } from './tree.ts';
import { prometheusRules } from './vm-rules.ts';

/** Keys of vmagent's jobs that change how it works, not what it finds. */
const HARMLESS = ['stream_parse', 'relabel_debug', 'metric_relabel_debug', 'disable_keepalive', 'scrape_align_interval', 'scrape_offset'];

/** A `-promscrape.config` as Prometheus writes it. */
export function prometheusScrapes(config: YamlMap, file: string, findings: Findings): YamlMap {
  const configs = childOf(config, 'scrape_configs');
  if (configs?.kind !== 'list') return config;
  const jobs = configs.items.map((job, i) => (isMap(job) ? prometheusJob(job, `scrape_configs[${i}]`, file, findings) : job));
  return withEntry(config, 'scrape_configs', listNode(jobs, configs.line));
}

function prometheusJob(job: YamlNode, path: string, file: string, findings: Findings): YamlNode {
  let changed = job;
  const told = (key: string, note: string): void => findings.add('changed', { file, line: lineOf(job, key) }, `${path}.${key}`, note);
  const rename = (key: string, to: string, value: (node: YamlNode) => YamlNode): void => {
    const node = childOf(job, key);
    if (node === undefined) return;
    changed = withEntry(withoutKeys(changed, [key]), to, value(node));
    told(key, `is \`${to}\` in Prometheus`);
  };
  rename('max_scrape_size', 'body_size_limit', (node) => textNode(textOf(node) ?? '', node.line));
  rename('disable_compression', 'enable_compression', (node) =>
    textNode(/^(?:true|yes|on)$/i.test(textOf(node) ?? '') ? 'false' : 'true', node.line),
  );
  rename('headers', 'http_headers', (node) => httpHeaders(node));
  for (const key of HARMLESS) {
    if (childOf(job, key) === undefined) continue;
    changed = withoutKeys(changed, [key]);
    told(key, "is vmagent's own and not needed here");
  }
  for (const key of ['relabel_configs', 'metric_relabel_configs']) {
    const rules = childOf(changed, key);
    if (rules !== undefined) changed = withEntry(changed, key, prometheusRules(rules, `${path}.${key}`, file, findings));
  }
  if (childOf(job, 'honor_timestamps') === undefined) {
    changed = withEntry(changed, 'honor_timestamps', textNode('false', job.line));
    told('honor_timestamps', 'is written as false: vmagent ignores the timestamps of targets since 1.93, Prometheus takes them');
  }
  return changed;
}

/** `Name: value` each. */
function httpHeaders(list: YamlNode): YamlNode {
  const pairs = itemsOf(list).map((item) => /^([^:]*):\s*(.*)$/s.exec(textOf(item) ?? ''));
  return mapNode(
    pairs.flatMap((pair) =>
      pair === null ? [] : [[pair[1] ?? '', mapNode([['values', listNode([textNode(pair[2] ?? '', list.line, false)])]])] as const],
    ),
    list.line,
  );
}

/**
 * vmagent's `%{NAME}` as Prometheus writes it; without braces where it can be, since flow lists and maps know braces of their own.
 * @param lines takes the line of each name
 */
export function dollarVariables(text: string, lines: Map<string, number>): string {
  return text.replace(/%\{(\w+)\}(\w?)/g, (_, name: string, next: string, at: number) => {
    if (!lines.has(name)) lines.set(name, text.slice(0, at).split('\n').length);
    return next === '' ? `$${name}` : `\${${name}}${next}`;
  });
}
