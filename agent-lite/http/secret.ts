import type { SecretSource } from '../config/types.ts';
import { HttpError } from '../model.ts';

/** Rejects with an error of the file system where the file cannot be read. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** Line ends would let a secret smuggle in headers; the rest cannot be sent in one. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The secret's present value. Files are read for each request, so a renewed token counts at once; white space around it is
 * cut off. Messages name the file, never the content.
 */
export async function readSecret(source: SecretSource, readFile: ReadFile, what: string): Promise<string> {
  const place = source.kind === 'file' ? `${what} in ${source.path}` : what;
  const value = source.kind === 'inline' ? source.value : (await readText(source.path, readFile, what)).trim();
  if (value === '' && source.kind === 'file') throw new HttpError('credentials', `${place}: expected a secret, got an empty file`);
  if (!HEADER_VALUE.test(value)) {
    throw new HttpError('credentials', `${place}: expected one line of printable characters, got others (not shown)`);
  }
  return value;
}

export async function readText(path: string, readFile: ReadFile, what: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path, readFile, what));
}

export async function readBytes(path: string, readFile: ReadFile, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : String(cause);
    throw new HttpError('credentials', `${what}: cannot read ${path}: ${code}; it is tried again with the next request`, { cause });
  }
}
