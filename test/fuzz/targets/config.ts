import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseAgentConfig } from '../../../agent-lite/config/parse.ts';
import type { Result } from '../../../contract/result.ts';
import type { ConfigError } from '../../../contract/yaml/errors.ts';
import { parseRelayConfig } from '../../../functions/config/parse.ts';
import { mutateText } from '../mutate-text.ts';
import { type FuzzTarget, must, mustEqual } from '../target.ts';

const WORDS = [
  ...[
    '\n',
    '  ',
    '\t',
    '- ',
    ': ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '&a ',
    '*a',
    '<<: *a',
    '!!binary ',
    '|\n',
    '>-\n',
    '$',
    '${HOST}',
    '---',
    '~',
  ],
  ...[
    'null',
    'true',
    '1',
    '-1',
    '1e9',
    '0s',
    '1s',
    '5m',
    '1y',
    '99999999999999999999y',
    '512MB',
    '0B',
    '__name__',
    '.*',
    '(',
    '[a-',
    '\\p{Greek}',
  ],
  ...['http://h', 'https://u:p@h/', 'file:///x', 'tenants:', 'receivers:', 'scrape_configs:', 'regex: (a+)+$', 'action: hashmod', '%', '#'],
];

type Parser = (text: string) => Result<unknown, readonly ConfigError[]>;

const folder = (side: string): URL => new URL(`../../fixtures/config/${side}/`, import.meta.url);

/** Files whose name says that they are good: they are accepted as they are. */
function goodFiles(side: string): readonly Uint8Array[] {
  const names = readdirSync(folder(side)).filter((name) => name.endsWith('.good.yml'));
  return names.map((name) => new Uint8Array(readFileSync(new URL(name, folder(side)))));
}

function target(name: string, side: string, file: string, parser: Parser): FuzzTarget {
  return {
    name,
    promise: 'a file is refused with a line and a message for each problem, or is valid YAML that gives the same settings each time',
    seeds: async () => goodFiles(side),
    mutate: mutateText(WORDS),
    async check(input) {
      const text = new TextDecoder().decode(input);
      const result = parser(text);
      if (!result.ok) {
        must(result.error.length > 0, 'refused without a problem');
        const lines = text.split('\n').length;
        for (const { line, problem, message } of result.error) {
          must(line >= 1 && line <= lines, `a problem in line ${line} of ${lines}: ${message}`);
          must(problem !== '' && message.startsWith(`${file}:${line}: `), `a problem without a place: ${message}`);
        }
        return 'refused';
      }
      parse(text, { merge: true, schema: 'failsafe', logLevel: 'silent', maxAliasCount: -1 });
      mustEqual(parser(text), result, 'read again');
      return 'accepted';
    },
  };
}

const environment = { HOST: 'h', EDGE: 'http://e' };

export const agentYaml = target('agent-yml', 'agent', 'agent.yml', (text) =>
  parseAgentConfig(text, { file: 'agent.yml', baseDir: '/', env: environment }),
);

export const relayYaml = target('relay-yml', 'relay', 'relay.yml', (text) => parseRelayConfig(text, 'relay.yml'));
