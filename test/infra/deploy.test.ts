import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { unstable_readConfig } from 'wrangler';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

const { build } = unstable_readConfig({ config: join(root, 'wrangler.toml') }, { hideWarnings: true });

it('checks the relay.yml that is bundled before every build', async () => {
  expect(build.command).toBe('npm run -s relay -- check-config infra/relay.yml');
  expect(await readFile(join(root, 'functions/bundled.ts'), 'utf8')).toContain("from '../infra/relay.yml'");
});

it.each([
  ['infra/relay.yml', 0, 'infra/relay.yml: valid\n', ''],
  [
    'test/fixtures/config/relay/log-values.bad.yml',
    1,
    '',
    'test/fixtures/config/relay/log-values.bad.yml:6: log.sampling_fraction: expected a number of 0 to 1, got "1.5"\n',
  ],
])('which for %s ends with %i', async (file, code, stdout, firstLine) => {
  const [program = '', ...args] = (build.command ?? '').replace('infra/relay.yml', file).split(' ');
  const result = await run(program, args, { cwd: root }).then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  expect([result.code, result.stdout, result.stderr.slice(0, firstLine.length)]).toEqual([code, stdout, firstLine]);
});
