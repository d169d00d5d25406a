/**
 * Makes dist/agent-lite.mjs, the whole agent in one file for devices: no node_modules, Node 18.19 or later; and dist/browser/,
 * the library for pages with its declarations. Run by `npm run build`; prints the sizes in bytes, and gzipped, which is what an update
 * costs on the wire, and fails where pages would have to load too much.
 */
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { VERSION } from '../contract/version.ts';
import { bundleBrowser, checkSize, describeSizes, writeBrowser } from './build-browser.ts';

const root = join(import.meta.dirname, '..');
const outfile = join(root, 'dist/agent-lite.mjs');

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['agent-lite/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node18',
  format: 'esm',
  // Names stay: a stack trace in a device's journal is all one gets.
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'inline',
  mainFields: ['module', 'main'],
  // yaml's form for Node is CommonJS and asks for `process` by require, which an ES module has not; this one is the same code.
  alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
  metafile: true,
  banner: {
    js: `#!/usr/bin/env node\n/*! agent-lite ${VERSION}, Apache-2.0. One file for Node 18.19 or later. */`,
  },
  logLevel: 'warning',
});
await chmod(outfile, 0o755);

// By package: what a kilobyte on the device is spent on.
const sizes = new Map<string, number>();
for (const output of Object.values(metafile.outputs)) {
  for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
    const owner = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? input.split('/', 1)[0] ?? '';
    sizes.set(owner, (sizes.get(owner) ?? 0) + bytesInOutput);
  }
}
for (const [owner, bytes] of [...sizes].sort((a, b) => b[1] - a[1])) console.log(`${String(bytes).padStart(8)}  ${owner}`);

const bytes = await readFile(outfile);
console.log(`dist/agent-lite.mjs: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);

const browser = await bundleBrowser();
await writeBrowser(join(root, 'dist/browser'), browser);
console.log(describeSizes(browser));
checkSize(browser);
