import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const ENTRY = 'agent-lite/index.d.ts';

/** Declarations of the library for pages by path below a folder `types`, as far as its entry reaches. Writes nothing that stays. */
export async function browserTypes(): Promise<{ readonly entry: string; readonly files: ReadonlyMap<string, string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'agent-lite-types-'));
  try {
    const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', folder, '--rootDir', root];
    await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tsconfig.browser.json'), ...flags]);
    const files = new Map<string, string>();
    const read = async (path: string): Promise<void> => {
      if (files.has(path)) return;
      // Sources name the .ts file; whoever compiles against declarations would have to allow that.
      const text = (await readFile(join(folder, path), 'utf8')).replace(
        /((?:\bfrom|\bimport\()\s*['"]\.[^'"]*)\.ts(['"])/g,
        (_all, specifier: string, quote: string) => `${specifier}.js${quote}`,
      );
      files.set(path, text);
      for (const match of text.matchAll(/(?:\bfrom|\bimport\()\s*['"](\.[^'"]+)\.js['"]/g))
        await read(relative(folder, join(folder, dirname(path), `${match[1]}.d.ts`)));
    };
    await read(ENTRY);
    return { entry: ENTRY, files };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
