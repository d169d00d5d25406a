import type { Findings } from './findings.ts';

/** Flags by name, each with its values in order: vmagent's flags may be given several times and hold lists. */
export type Flags = ReadonlyMap<string, readonly string[]>;

/** Words as a shell would pass them: quotes, line ends behind a backslash, comments. Words before the first flag are dropped. */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  for (const line of text.replace(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    if (/^\s*#/.test(line)) continue;
    for (const found of line.matchAll(/(?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*')+/g)) {
      words.push(
        found[0].replace(
          /"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
          (_, double?: string, single?: string) => double?.replace(/\\(.)/g, '$1') ?? single ?? '',
        ),
      );
    }
  }
  return words;
}

/** Go's flags: one dash or two, `-name=value` or `-name value`; a flag alone is `true`. */
export function parseFlags(words: readonly string[]): Flags {
  const flags = new Map<string, string[]>();
  const add = (name: string, value: string): void => void flags.set(name, [...(flags.get(name) ?? []), value]);
  for (let i = 0; i < words.length; i++) {
    const found = /^--?([a-zA-Z][\w.]*)(?:=(.*))?$/s.exec(words[i] ?? '');
    const name = found?.[1];
    if (name === undefined) continue;
    const next = words[i + 1];
    if (found?.[2] !== undefined) add(name, found[2]);
    else if (next === undefined || next.startsWith('-')) add(name, 'true');
    else {
      add(name, next);
      i++;
    }
  }
  return flags;
}

/** A list flag: its values are lists with commas, too; quotes protect them. */
export function listFlag(flags: Flags, name: string): readonly string[] {
  return (flags.get(name) ?? []).flatMap((value) =>
    [...value.matchAll(/(?:^|,)((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^,])*)/g)].map((found) => (found[1] ?? '').replace(/^(["'])(.*)\1$/s, '$2')),
  );
}

/** The value for the url of this index: one value counts for all. */
export function urlFlag(flags: Flags, name: string, index: number): string | undefined {
  const values = listFlag(flags, name);
  const value = values.length === 1 ? values[0] : values[index];
  return value === '' ? undefined : value;
}

/** What becomes of flags that are no part of a configuration file; the first pattern that fits counts. */
const OTHERS: readonly (readonly [pattern: RegExp, chapter: 'changed' | 'central' | 'leftOut', note: string])[] = [
  [
    /^remoteWrite\.tmpDataPath$/,
    'changed',
    'is `--storage.agent.path` of agent-lite; what waits in it is not taken over, so let vmagent drain first',
  ],
  [/^remoteWrite\.maxDiskUsagePerURL$/, 'changed', 'is `--storage.agent.retention.size` of agent-lite'],
  [/^httpListenAddr$/, 'changed', 'is `--web.listen-address` of agent-lite'],
  [/^loggerLevel$/, 'changed', 'is `--log.level` of agent-lite'],
  [/^loggerFormat$/, 'changed', 'is `--log.format` of agent-lite'],
  [/^promscrape\.configCheckInterval$/, 'changed', 'is a reload of agent-lite: `systemctl reload agent-lite`, SIGHUP'],
  [
    /^(?:remoteWrite\.)?streamAggr\./,
    'central',
    'an agent aggregates nothing. Recording rules belong to Thanos Ruler; rules that only drop series stay, in relay.yml',
  ],
  [/^promscrape\.cluster\./, 'leftOut', 'agents do not share targets; use `hashmod` and `keep` in relabel_configs'],
  [
    /^remoteWrite\.shardByURL|^remoteWrite\.disableOnDiskQueue|^remoteWrite\.dropSamplesOnOverload/,
    'leftOut',
    'the edge has one receiver and loses nothing',
  ],
  [/^remoteWrite\.(?:significantFigures|roundDigits)$/, 'leftOut', 'values travel with all their bits'],
  [
    /^remoteWrite\.(?:queues|maxBlockSize|flushInterval|inmemoryQueues|rateLimit|forcePromProto|forceVMProto|keepDanglingQueues|showURL|maxHourlySeries|maxDailySeries|vmProtoCompressLevel)$/,
    'leftOut',
    'sending works otherwise here: see `edge_push.push_interval` in agent.yml and `shard` in relay.yml',
  ],
  [/^remoteWrite\.aws\./, 'leftOut', 'the edge does not sign requests; put a proxy that does before the receiver'],
  [
    /^(?:graphite|influx|opentsdb|newrelic|datadog|opentelemetry|insert|import|csv|native|statsd|zabbix|firehose|kafka|gcp)/i,
    'central',
    'an agent receives nothing, it scrapes; let those that push write to the centre',
  ],
  [/^promscrape\./, 'leftOut', 'has no counterpart'],
  [/^remoteWrite\./, 'leftOut', 'has no counterpart at the edge'],
];

/** Tells of every flag that is not in `used`. */
export function tellOthers(flags: Flags, used: ReadonlySet<string>, file: string, findings: Findings): void {
  for (const name of flags.keys()) {
    if (used.has(name)) continue;
    const found = OTHERS.find(([pattern]) => pattern.test(name));
    findings.add(found?.[1] ?? 'leftOut', { file, line: 0 }, `-${name}`, found?.[2] ?? 'is about the vmagent process itself');
  }
}
