import { watch as watchFolder } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { Files } from './files.ts';

export const nodeFiles: Files = {
  list: (folder) => readdir(folder),
  read: (path) => readFile(path),
  watch(folder, changed, signal) {
    try {
      const watcher = watchFolder(folder, { persistent: false, signal }, () => changed());
      // The folder may be removed, or the system run out of watches.
      watcher.on('error', () => watcher.close());
    } catch {
      // No folder yet, or no inotify here: the refresh interval stays.
    }
  },
};
