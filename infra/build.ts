/**
 * Makes dist/agent-lite.mjs, the whole agent in one file for devices: no node_modules, Node 18.19 or later.
 * Run by `npm run build`; prints the size in bytes, and gzipped, which is what an update costs on the wire.
 */
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { VERSION } from '../contract/version.ts';

const root = join(import.meta.dirname, '..');
const outfile = join(root, 'dist/agent-lite.mjs');

await build({
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
  // Packages made for browsers too ask for themselves first; the device takes the modern form of each.
  mainFields: ['module', 'main'],
  banner: {
    js: `#!/usr/bin/env node\n/*! agent-lite ${VERSION}, Apache-2.0. One file for Node 18.19 or later. */`,
  },
  logLevel: 'warning',
});
await chmod(outfile, 0o755);

const bytes = await readFile(outfile);
console.log(`dist/agent-lite.mjs: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
