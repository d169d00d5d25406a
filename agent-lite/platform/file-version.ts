import { stat } from 'node:fs/promises';

/** Differs when the file was written anew, in place or by a rename. Rejects where there is none. */
export async function fileVersion(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs}/${size}/${ino}`;
}
