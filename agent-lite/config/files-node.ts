import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path/posix';
import type { ConfigFiles } from './scrape-files.ts';

/** Of this machine. A configuration is read seldom and at once, so that all its parts are of one moment. */
export const nodeConfigFiles: ConfigFiles = {
  match(pattern) {
    const folder = dirname(pattern);
    const name = new RegExp(
      `^${basename(pattern)
        .replace(/[.+^${}()|\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
    );
    return namesIn(folder)
      .filter((entry) => name.test(entry))
      .sort()
      .map((entry) => join(folder, entry));
  },
  read: (path) => readFileSync(path, 'utf8'),
};

/** A folder that is not there has no files. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw cause;
  }
}
