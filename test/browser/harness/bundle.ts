import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '../../..');

/** Libraries for Node ask for modules that a page has not, though what is used of them here never calls those. */
const emptyNodeModules: Plugin = {
  name: 'empty-node-modules',
  setup(on) {
    on.onResolve({ filter: /^(node:)?(cluster|os|fs|v8|perf_hooks|process|zlib|http|https|url|util)$/ }, ({ path }) => ({
      path,
      namespace: 'empty',
    }));
    // What it measures of a Node process.
    on.onLoad({ filter: /prom-client\/lib\/(defaultMetrics|cluster)\.js$/ }, () => ({ contents: 'module.exports = {};' }));
    on.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** A module of test/browser/page and all that it imports, as one classic script. */
export async function bundlePage(entry: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`test/browser/page/${entry}`],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    plugins: [emptyNodeModules],
    logLevel: 'warning',
  });
  return outputFiles[0]?.text ?? '';
}
