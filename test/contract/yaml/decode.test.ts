import { describe, expect, it } from 'vitest';
import {
  bool,
  type Decoder,
  decodeYaml,
  duration,
  fail,
  int,
  list,
  mapOf,
  nonEmptyString,
  object,
  oneOf,
  optional,
  placeOf,
  refine,
  required,
  size,
  string,
  text,
  withDefault,
} from '../../../contract/yaml/decode.ts';
import { formatConfigErrors } from '../../../contract/yaml/errors.ts';
import { relabelConfigs } from '../../../contract/yaml/relabel-config.ts';

function decode<T>(yaml: string, decoder: Decoder<T>): T | string {
  const result = decodeYaml(yaml, 'f.yml', decoder);
  return result.ok ? result.value : formatConfigErrors(result.error);
}

describe('values', () => {
  const cases: { name: string; decoder: Decoder<unknown>; yaml: string; is: unknown }[] = [
    { name: 'a string', decoder: string, yaml: 'abc', is: 'abc' },
    { name: 'a number as a string', decoder: string, yaml: '1.10', is: '1.10' },
    { name: 'nothing as a string', decoder: string, yaml: '~', is: '' },
    { name: 'a list as a string', decoder: string, yaml: '[a]', is: 'f.yml:1: expected a string, got a list' },
    { name: 'an empty string', decoder: nonEmptyString, yaml: '""', is: 'f.yml:1: expected a string that is not empty, got nothing' },
    { name: 'true', decoder: bool, yaml: 'true', is: true },
    { name: 'off', decoder: bool, yaml: 'off', is: false },
    { name: 'a quoted bool', decoder: bool, yaml: '"true"', is: 'f.yml:1: expected true or false, got "true"' },
    { name: 'an integer', decoder: int(0), yaml: '12', is: 12 },
    { name: 'a negative integer', decoder: int(0), yaml: '-1', is: 'f.yml:1: expected a whole number of 0 or more, got "-1"' },
    { name: 'an integer out of range', decoder: int(1, 5), yaml: '6', is: 'f.yml:1: expected a whole number of 1 to 5, got "6"' },
    {
      name: 'a huge integer',
      decoder: int(0),
      yaml: '9007199254740993',
      is: 'f.yml:1: expected a whole number of 0 or more, got "9007199254740993"',
    },
    { name: 'a fraction', decoder: int(0), yaml: '1.5', is: 'f.yml:1: expected a whole number of 0 or more, got "1.5"' },
    { name: 'a duration', decoder: duration(), yaml: '1m30s', is: 90_000 },
    { name: 'not a duration', decoder: duration(), yaml: '90', is: 'f.yml:1: expected a duration such as 30s or 1h30m, got "90"' },
    { name: 'no duration', decoder: duration(), yaml: '', is: 'f.yml:1: expected a duration such as 30s or 1h30m, got nothing' },
    { name: 'a duration too short', decoder: duration(1), yaml: '0s', is: 'f.yml:1: expected a duration of at least 1ms, got "0s"' },
    { name: 'a duration past the timers', decoder: duration(), yaml: '25d', is: 'f.yml:1: expected a duration of at most 24d, got "25d"' },
    { name: 'a size', decoder: size(), yaml: '10MB', is: 10_485_760 },
    { name: 'a size without a unit', decoder: size(), yaml: '10', is: 'f.yml:1: expected a size such as 10MB or 512MiB, got "10"' },
    { name: 'a size over a limit', decoder: size(0, 1024), yaml: '2KB', is: 'f.yml:1: expected a size of at most 1KiB, got "2KB"' },
    { name: 'one of some words', decoder: oneOf(['a', 'b']), yaml: 'b', is: 'b' },
    { name: 'none of them', decoder: oneOf(['a', 'b']), yaml: 'c', is: 'f.yml:1: expected one of a, b, got "c"' },
    { name: 'a list', decoder: list(int(0)), yaml: '[1, 2]', is: [1, 2] },
    {
      name: 'all bad items of a list',
      decoder: list(int(0)),
      yaml: '- 1\n- x\n- {}\n',
      is: 'f.yml:2: [1]: expected a whole number of 0 or more, got "x"\nf.yml:3: [2]: expected a whole number of 0 or more, got a map',
    },
    { name: 'a text instead of a list', decoder: list(string), yaml: 'a', is: 'f.yml:1: expected a list, got "a"' },
    {
      name: 'a map',
      decoder: mapOf(int(0)),
      yaml: 'a: 1\nb: 2',
      is: [
        ['a', 1],
        ['b', 2],
      ],
    },
    {
      name: 'a bad value of an odd key',
      decoder: mapOf(int(0)),
      yaml: '"a b": x',
      is: 'f.yml:1: ["a b"]: expected a whole number of 0 or more, got "x"',
    },
    {
      name: 'a long text is cut in the message',
      decoder: bool,
      yaml: 'x'.repeat(200),
      is: `f.yml:1: expected true or false, got "${'x'.repeat(80)}..."`,
    },
  ];
  it.each(cases)('$name', ({ decoder, yaml, is }) => {
    expect(decode(yaml, decoder)).toEqual(is);
  });
});

describe('object', () => {
  const server = object(
    { host: required(nonEmptyString), port: withDefault(int(1, 65535), 80), tag: optional(string), sep: text(';') },
    { proxy: 'is not supported yet' },
  );
  const cases: { name: string; yaml: string; is: unknown }[] = [
    { name: 'fills in defaults', yaml: 'host: a', is: { host: 'a', port: 80, tag: undefined, sep: ';' } },
    { name: 'takes nothing as absent', yaml: 'host: a\nport:\ntag: ~', is: { host: 'a', port: 80, tag: undefined, sep: ';' } },
    {
      name: 'takes nothing as an empty text where that means something',
      yaml: 'host: a\nsep:',
      is: { host: 'a', port: 80, tag: undefined, sep: '' },
    },
    { name: 'a missing key', yaml: '\n\nport: 1', is: 'f.yml:3: host: is required, but missing' },
    { name: 'a required key without a value', yaml: 'port: 1\nhost:', is: 'f.yml:2: host: is required, but missing' },
    { name: 'an unknown key with a near one', yaml: 'host: a\nporte: 1', is: 'f.yml:2: porte: unknown key (did you mean port?)' },
    { name: 'an unknown key', yaml: 'host: a\nzzz: 1', is: 'f.yml:2: zzz: unknown key (known: host, port, tag, sep)' },
    { name: 'a refused key', yaml: 'host: a\nproxy: 1', is: 'f.yml:2: proxy: is not supported yet' },
    {
      name: 'a key of Object.prototype',
      yaml: 'host: a\nconstructor: 1',
      is: 'f.yml:2: constructor: unknown key (known: host, port, tag, sep)',
    },
    {
      name: 'every problem, by line',
      yaml: 'port: 0\nx: 1\nhost: []',
      is: 'f.yml:1: port: expected a whole number of 1 to 65535, got "0"\nf.yml:2: x: unknown key (known: host, port, tag, sep)\nf.yml:3: host: expected a string, got a list',
    },
    { name: 'not a map', yaml: 'x', is: 'f.yml:1: expected a map, got "x"' },
  ];
  it.each(cases)('$name', ({ yaml, is }) => {
    expect(decode(yaml, server)).toEqual(is);
  });

  it('tells the path through lists and maps', () => {
    const servers = object({ servers: required(list(server)) });
    expect(decode('servers:\n- host: a\n- host: b\n  port: x\n', servers)).toBe(
      'f.yml:4: servers[1].port: expected a whole number of 1 to 65535, got "x"',
    );
  });

  it('tells where an alias is used', () => {
    expect(decode('host: &x [a]\nport: *x', server)).toContain('f.yml:2: port: expected a whole number');
  });

  it('refine fails at a key', () => {
    const checked = refine(server, (value, place) => (value.port === 81 ? fail(placeOf(place, 'port'), 'taken') : value.host));
    expect(decode('host: a\nport: 81', checked)).toBe('f.yml:2: port: taken');
    expect(decode('host: a', checked)).toBe('a');
  });
});

describe('relabelConfigs', () => {
  it('fills in defaults and takes action names in any case', () => {
    expect(decode('- {target_label: a}\n- {action: LabelDrop, regex: }\n', relabelConfigs)).toEqual([
      { sourceLabels: [], separator: ';', regex: '(.*)', modulus: 0, targetLabel: 'a', replacement: '$1', action: 'replace' },
      { sourceLabels: [], separator: ';', regex: '', modulus: 0, targetLabel: '', replacement: '$1', action: 'labeldrop' },
    ]);
  });
  const bad: [name: string, yaml: string, errors: string][] = [
    [
      'an unknown action',
      '- action: replaced',
      'f.yml:1: [0].action: expected one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase, got "replaced"',
    ],
    [
      'a bad regex',
      '- action: keep\n  regex: "("',
      'f.yml:2: [0].regex: expected a regular expression in RE2 syntax, got "(": missing closing ): `(`',
    ],
    ['no target', '- source_labels: [a]', 'f.yml:1: [0].target_label: action replace needs a label name here, got ""'],
    ['an empty source label', '- source_labels: [""]\n  action: drop', 'f.yml:1: [0].source_labels[0]: expected a label name, got ""'],
    ['an unknown key', '- target_label: a\n  source_label: [b]', 'f.yml:2: [0].source_label: unknown key (did you mean source_labels?)'],
  ];
  it.each(bad)('refuses %s', (_, yaml, errors) => {
    expect(decode(yaml, relabelConfigs)).toBe(errors);
  });
});
