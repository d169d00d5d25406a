import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A small text that outlives the process. */
export interface TextFile {
  /** `undefined` where there is none. */
  load(): Promise<string | undefined>;
  /** Readers, and the next start after a power cut, see the old text or the new one, never a part. */
  save(text: string): Promise<void>;
}

/** One writer at a time. Rejects with the system's error. */
export function createTextFile(path: string): TextFile {
  return {
    async load() {
      try {
        return await readFile(path, 'utf8');
      } catch (cause) {
        if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
        throw cause;
      }
    },
    async save(text) {
      await mkdir(dirname(path), { recursive: true });
      const fresh = `${path}.new`;
      const file = await open(fresh, 'w', 0o600);
      try {
        await file.writeFile(text);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(fresh, path);
    },
  };
}
