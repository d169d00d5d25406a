import { builtinModules } from 'node:module';
import { build } from 'esbuild';

/** The Worker as one ES module, resolved as the Workers runtime resolves: what `wrangler deploy` uploads, near enough. */
export async function bundleWorker(root: string): Promise<string> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['functions/index.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'import'],
    external: ['node:*', 'cloudflare:*', ...builtinModules],
    loader: { '.yml': 'text' },
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
  });
  const output = result.outputFiles[0];
  if (output === undefined) throw new Error('functions/index.ts: the bundler gave no output');
  return output.text;
}
