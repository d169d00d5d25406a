import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Inputs that once broke a promise: `regressions/TARGET/NAME`, tried in every run from then on. */
const folder = (target: string): string => join(import.meta.dirname, 'regressions', target);

export async function keptInputs(target: string): Promise<readonly { readonly name: string; readonly input: Uint8Array }[]> {
  const names = await readdir(folder(target)).catch((): string[] => []);
  return Promise.all(names.sort().map(async (name) => ({ name, input: new Uint8Array(await readFile(join(folder(target), name))) })));
}

/** Resolves with the file's path. Its name follows from the bytes. */
export async function keep(target: string, input: Uint8Array): Promise<string> {
  const path = join(folder(target), createHash('sha256').update(input).digest('hex').slice(0, 12));
  await mkdir(folder(target), { recursive: true });
  await writeFile(path, input);
  return path;
}
