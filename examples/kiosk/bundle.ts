import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/**
 * prom-client is made for Node: it asks for modules that a page has not, though a registry and its metrics use none of them.
 * Every bundler can give it empty ones; this is how esbuild does.
 */
export const emptyNodeModules: Plugin = {
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

/** The page's script with all that it imports, as one ES module. */
export async function bundleKiosk(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page/main.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    plugins: [emptyNodeModules],
    logLevel: 'warning',
  });
  return outputFiles[0]?.text ?? '';
}
