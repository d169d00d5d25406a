import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseAgentConfig } from '../../../agent-lite/config/parse.ts';

const fixture = readFileSync(new URL('../../fixtures/config/agent/all-keys.good.yml', import.meta.url), 'utf8');

/** A file as it comes out of a hasty edit: pieces removed, doubled, and replaced by characters that mean something in YAML. */
const edited = fc
  .array(
    fc.record({
      at: fc.nat(fixture.length),
      length: fc.nat(40),
      insert: fc.oneof(
        fc.constantFrom('', '\n', '  ', '\t', '- ', ': ', '[', ']', '{', '}', '"', '&a ', '*a', '<<: ', '!!x ', '|\n', '$', '---\n', '~'),
        fc.string(),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((edits) => edits.reduce((text, { at, length, insert }) => text.slice(0, at) + insert + text.slice(at + length), fixture));

it('never throws, and says where and what for each problem', () => {
  fc.assert(
    fc.property(edited, (text) => {
      const result = parseAgentConfig(text, { file: 'agent.yml', baseDir: '/', env: { HOST: 'h', EDGE: 'http://e' } });
      if (result.ok) return;
      const lines = text.split('\n').length;
      expect(result.error.length).toBeGreaterThan(0);
      for (const { line, problem, message } of result.error) {
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(lines);
        expect(problem).not.toBe('');
        expect(message.startsWith(`agent.yml:${line}: `)).toBe(true);
      }
    }),
    { numRuns: 1500 },
  );
  // Some seconds of work; a busy machine needs several times as long.
}, 60_000);
