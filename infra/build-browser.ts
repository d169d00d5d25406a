import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile, type Plugin } from 'esbuild';
import { minify } from 'terser';
import { VERSION } from '../contract/version.ts';
import { browserTypes } from './browser-types.ts';

const root = join(import.meta.dirname, '..');
const source = join(root, 'agent-lite/index.ts');

/** What a page may pay for being watched: the entry and all that it loads at once, bytes on the wire. */
export const MOST_GZIPPED = 68_000;

export interface BrowserBundle {
  /** The file that a page imports. */
  readonly entry: string;
  /** By file name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What a page loads at once, and what only on demand: relabelling, OpenMetrics, its own metrics, renewed tokens. */
  readonly atOnce: readonly string[];
  readonly later: readonly string[];
  readonly metafile: Metafile;
}

/** The library for pages and workers: ES modules, minified, to be imported as they are or bundled again. Writes nothing. */
export async function bundleBrowser(): Promise<BrowserBundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { 'agent-lite': source },
    outdir: 'dist/browser',
    bundle: true,
    write: false,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    metafile: true,
    legalComments: 'none',
    chunkNames: '[name]-[hash]',
    plugins: [wholeEntry],
    banner: { js: `/*! agent-lite ${VERSION}, Apache-2.0 */` },
    logLevel: 'warning',
  });
  const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  const files = new Map(await Promise.all(outputFiles.map(async ({ path, text }) => [nameOf(path), await smaller(text)] as const)));
  const entry = 'agent-lite.js';
  const atOnce = new Set<string>();
  const load = (name: string): void => {
    if (atOnce.has(name)) return;
    atOnce.add(name);
    const output = Object.entries(metafile.outputs).find(([path]) => nameOf(path) === name)?.[1];
    for (const { path, kind } of output?.imports ?? []) if (kind === 'import-statement') load(nameOf(path));
  };
  load(entry);
  return { entry, files, atOnce: [...atOnce], later: [...files.keys()].filter((name) => !atOnce.has(name)), metafile };
}

/** What esbuild leaves, a twentieth when gzipped. */
async function smaller(script: string): Promise<Uint8Array> {
  const { code } = await minify(script, { module: true, ecma: 2020, compress: { passes: 3 }, format: { comments: /^!/ } });
  if (code === undefined) throw new Error('the library for pages: nothing is left of a file');
  return new TextEncoder().encode(code);
}

/**
 * Keeps what a page loads at once in one piece. esbuild makes a file of each set of modules that the same parts need, and what is
 * loaded on demand would tear the rest into small files that are gzipped worse. Nothing is loaded on demand before the whole entry
 * is there, so each such module may as well import it.
 */
const wholeEntry: Plugin = {
  name: 'whole-entry',
  setup({ onResolve, onLoad }) {
    const onDemand = new Set<string>();
    onResolve({ filter: /^\./ }, ({ kind, resolveDir, path }) => {
      if (kind === 'dynamic-import') onDemand.add(join(resolveDir, path));
      return undefined;
    });
    onLoad({ filter: /\.ts$/ }, async ({ path }) =>
      onDemand.has(path) ? { contents: `${await readFile(path, 'utf8')}\nimport ${JSON.stringify(source)};`, loader: 'ts' } : undefined,
    );
  },
};

/** Bytes as they are, and gzipped one by one, as a web server sends them. */
export function sizeOf({ files }: BrowserBundle, names: readonly string[]): { readonly bytes: number; readonly gzipped: number } {
  const all = names.map((name) => files.get(name) ?? new Uint8Array(0));
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  return { bytes: sum(all.map(({ length }) => length)), gzipped: sum(all.map((file) => gzipSync(file, { level: 9 }).length)) };
}

/** The library and its declarations, in `folder`, which is emptied before: what package.json's `exports` name. */
export async function writeBrowser(folder: string, bundle: BrowserBundle): Promise<void> {
  const types = await browserTypes();
  await rm(folder, { recursive: true, force: true });
  for (const [name, contents] of [...bundle.files, ...[...types.files].map(([name, text]) => [join('types', name), text] as const)]) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, contents);
  }
}

/** Throws where a page would have to load too much. */
export function checkSize(bundle: BrowserBundle): void {
  const { gzipped } = sizeOf(bundle, bundle.atOnce);
  if (gzipped > MOST_GZIPPED)
    throw new Error(
      `dist/browser/${bundle.entry}: expected at most ${MOST_GZIPPED} bytes gzipped, got ${gzipped}; see what grew by esbuild's metafile`,
    );
}

export function describeSizes(bundle: BrowserBundle): string {
  const atOnce = sizeOf(bundle, bundle.atOnce);
  const later = sizeOf(bundle, bundle.later);
  return `dist/browser/${bundle.entry}: ${atOnce.bytes} bytes, ${atOnce.gzipped} gzipped; what is loaded on demand (relabelling, OpenMetrics, metrics of the page): ${later.bytes} more, ${later.gzipped} gzipped`;
}
