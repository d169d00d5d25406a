import { describe, expect, it } from 'vitest';
import { formatConfigErrors } from '../../../contract/yaml/errors.ts';
import { parseTargetGroups } from '../../../contract/yaml/target-groups.ts';

const parse = (text: string): unknown => {
  const result = parseTargetGroups(text, 't.json');
  return result.ok ? result.value : formatConfigErrors(result.error);
};

describe('parseTargetGroups', () => {
  const cases: { name: string; text: string; is: unknown }[] = [
    { name: 'no groups', text: '[]', is: [] },
    {
      name: 'JSON',
      text: '[{"targets": ["a:1", "b:2"], "labels": {"site": "north", "empty": ""}}]',
      is: [{ targets: ['a:1', 'b:2'], labels: [['site', 'north']] }],
    },
    { name: 'JSON with tabs', text: '[\n\t{\n\t\t"targets": ["a:1"]\n\t}\n]\n', is: [{ targets: ['a:1'], labels: [] }] },
    {
      name: 'YAML',
      text: '- targets: [a:1]\n  labels: { port: 80 }\n- targets: []\n',
      is: [
        { targets: ['a:1'], labels: [['port', '80']] },
        { targets: [], labels: [] },
      ],
    },
    { name: 'an empty file', text: '', is: 't.json:1: expected a list, got nothing' },
    { name: 'half a file', text: '[{"targets": ["a:1"', is: expect.stringMatching(/^t\.json:1: not valid YAML: /) },
    { name: 'an unknown key', text: '[{"targets": [], "label": {}}]', is: 't.json:1: [0].label: unknown key (did you mean labels?)' },
    { name: 'a null group', text: '[null]', is: 't.json:1: [0]: expected a map, got nothing' },
    { name: 'no targets', text: '[{"labels": {}}]', is: 't.json:1: [0].targets: is required, but missing' },
    {
      name: 'labels that are no texts',
      text: '[{"targets": [], "labels": {"a": ["b"]}}]',
      is: 't.json:1: [0].labels.a: expected a string, got a list',
    },
    {
      name: 'a URL for a target, of which rules may make an address',
      text: '[{"targets": ["http://a/"]}]',
      is: [{ targets: ['http://a/'], labels: [] }],
    },
    {
      name: 'an empty target',
      text: '[{"targets": [""]}]',
      is: 't.json:1: [0].targets[0]: expected host:port, got ""',
    },
  ];
  it.each(cases)('$name', ({ text, is }) => {
    expect(parse(text)).toEqual(is);
  });

  it('reads ten thousand targets', () => {
    const groups = Array.from({ length: 10_000 }, (_, i) => ({ targets: [`10.0.0.1:${i}`], labels: { __meta_id: `${i}` } }));
    expect(parse(JSON.stringify(groups))).toHaveLength(10_000);
  });
});
