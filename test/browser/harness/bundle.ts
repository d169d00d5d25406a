import { join } from 'node:path';
import { build } from 'esbuild';
import { emptyNodeModules } from '../../../examples/kiosk/bundle.ts';

const root = join(import.meta.dirname, '../../..');

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
