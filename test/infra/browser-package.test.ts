import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleBrowser, writeBrowser } from '../../infra/build-browser.ts';

/** An application that has this package in its node_modules, as `npm pack` and `npm install` leave it. */
const root = join(import.meta.dirname, '../..');
let application: string;

beforeAll(async () => {
  application = await mkdtemp(join(tmpdir(), 'agent-lite-application-'));
  const installed = join(application, 'node_modules/agent-lite');
  await mkdir(installed, { recursive: true });
  await writeFile(join(installed, 'package.json'), await readFile(join(root, 'package.json')));
  await writeBrowser(join(installed, 'dist/browser'), await bundleBrowser());
  await writeFile(join(application, 'package.json'), '{ "type": "module" }');
}, 60_000);
afterAll(() => rm(application, { recursive: true, force: true }));

const PROGRAM = `
import { type BrowserAgentStatus, createAgent } from 'agent-lite/browser';
const agent = createAgent({
  targets: [{ job: 'shop', metrics: async () => 'a 1' }, { job: 'machine', url: '/metrics' }],
  edgePush: { url: 'https://edge.example.com', token: 'x' },
});
export const status: BrowserAgentStatus = agent.status();
export const bytes: number | undefined = agent.status().log?.bytes;
export const off: () => void = agent.on('scrape', ({ samples }) => samples.toFixed());
`;

/** What tsc says; empty: nothing. */
async function compile(name: string, text: string): Promise<string> {
  await writeFile(join(application, name), text);
  const flags = '--noEmit --strict --target es2022 --module nodenext --moduleResolution nodenext --lib es2023,dom --types'.split(' ');
  const tsc = join(root, 'node_modules/.bin/tsc');
  return promisify(execFile)(tsc, [...flags, '', name], { cwd: application }).then(
    ({ stdout }) => stdout,
    (error: { readonly stdout: string }) => error.stdout,
  );
}

describe('the library for pages as a package', () => {
  it('has declarations that need neither Node, nor other packages, nor odd compiler options', async () => {
    expect(await compile('good.ts', PROGRAM)).toBe('');
  });

  it('is not just anything to the compiler', async () => {
    expect(await compile('bad.ts', PROGRAM.replace("job: 'shop'", 'job: 5'))).toMatch(/bad\.ts\(4,15\).*'number'.*'string'/);
  });

  it('can be bundled by an application', async () => {
    const { outputFiles } = await build({
      stdin: { contents: PROGRAM, resolveDir: application, loader: 'ts' },
      ...{ bundle: true, write: false, format: 'esm', platform: 'browser', splitting: true, outdir: 'out', minify: true },
    });
    expect(outputFiles.length).toBeGreaterThan(1);
    expect(outputFiles.map(({ text }) => text).join('')).toContain('IndexedDB');
  });
});
