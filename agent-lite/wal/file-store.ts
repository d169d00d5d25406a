import { write, writeSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireLock, type LockHost, type LockName, lockHolder, type Owner, ownsLock, releaseLock } from './lock.ts';
import { QuickWrites } from './quick-writes.ts';
import { type Area, type Entry, LogLockedError, type SegmentStore, StoreError } from './store.ts';

/**
 * Files in a directory: `wal/` and `set-aside/` hold segments, beside them lie the small files and the lock.
 * Appends are single write(2) calls, so a killed process loses nothing; `sync` is fsync(2), always on libuv's thread pool.
 */
export class FileStore implements SegmentStore {
  readonly #directory: string;
  readonly #host: LockHost;
  readonly #quick: QuickWrites | undefined;
  /** The segment that is appended to. */
  #active: { readonly name: string; readonly file: FileHandle } | undefined;
  #held = false;

  /** @param nowMs a clock that never steps back; with it appends are made at once while they are quick, without it on the thread pool */
  constructor(directory: string, nowMs?: () => number) {
    this.#directory = directory;
    this.#host = lockHost(directory);
    this.#quick = nowMs === undefined ? undefined : new QuickWrites(nowMs);
  }

  lock(): Promise<void> {
    return this.#try('lock', async () => {
      await this.#makeDirectories();
      if (this.#held && (await ownsLock(this.#host))) return;
      await acquireLock(this.#host);
      this.#held = true;
    });
  }

  unlock(): Promise<void> {
    this.#held = false;
    return this.#try('unlock', () => releaseLock(this.#host));
  }

  /** The id of the running process that has the directory; undefined: nobody. Asking does not lock it. */
  async holder(): Promise<number | undefined> {
    return (await lockHolder(this.#host))?.pid;
  }

  list(area: Area): Promise<readonly Entry[]> {
    return this.#try(`list ${area}`, async () => {
      const entries: Entry[] = [];
      for (const entry of await readdir(join(this.#directory, area), { withFileTypes: true })) {
        if (!entry.isFile()) continue;
        entries.push({ name: entry.name, bytes: (await stat(join(this.#directory, area, entry.name))).size });
      }
      return entries;
    });
  }

  create(area: Area, name: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    return this.#try(`create ${area}/${name}`, async () => {
      await this.#makeDirectories();
      if (area === 'wal') await this.close();
      const file = await open(join(this.#directory, area, name), 'w+');
      try {
        await writeAll(file, bytes, 0);
        if (durable) {
          await file.sync();
          await syncDirectory(join(this.#directory, area));
        }
      } catch (error) {
        await file.close();
        throw error;
      }
      if (area === 'wal') this.#active = { name, file };
      else await file.close();
    });
  }

  append(name: string, at: number, bytes: Uint8Array): Promise<void> | undefined {
    const active = this.#active;
    if (active?.name === name && this.#quick !== undefined) {
      try {
        if (this.#quick.attempt(() => writeAllSync(active.file.fd, bytes, at))) return undefined;
      } catch (cause) {
        throw this.#failure(`append to ${name}`, cause);
      }
    }
    return this.#try(`append to ${name}`, async () => writeAll(await this.#writable(name), bytes, at));
  }

  sync(name: string): Promise<void> {
    return this.#try(`sync ${name}`, async () => (await this.#writable(name)).sync());
  }

  read(area: Area, name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#try(`read ${area}/${name} at ${offset}`, async () => {
      const file = await open(join(this.#directory, area, name), 'r');
      try {
        const bytes = new Uint8Array(length);
        let got = 0;
        while (got < length) {
          const { bytesRead } = await file.read(bytes, got, length - got, offset + got);
          if (bytesRead === 0) break;
          got += bytesRead;
        }
        return bytes.subarray(0, got);
      } finally {
        await file.close();
      }
    });
  }

  truncate(name: string, length: number): Promise<void> {
    return this.#try(`truncate ${name}`, async () => {
      const file = await this.#writable(name);
      await file.truncate(length);
      await file.sync();
    });
  }

  remove(area: Area, name: string): Promise<void> {
    return this.#try(`remove ${area}/${name}`, async () => {
      if (area === 'wal' && this.#active?.name === name) await this.close();
      await rm(join(this.#directory, area, name), { force: true });
    });
  }

  async readFile(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return await this.#try(`read ${name}`, async () => new Uint8Array(await readFile(join(this.#directory, name))));
    } catch (error) {
      if (error instanceof StoreError && error.reason === 'missing') return undefined;
      throw error;
    }
  }

  replaceFile(name: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    return this.#try(`write ${name}`, async () => {
      await this.#makeDirectories();
      const path = join(this.#directory, name);
      const file = await open(`${path}.tmp`, 'w');
      try {
        await writeAll(file, bytes, 0);
        if (durable) await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.tmp`, path);
      if (durable) await syncDirectory(this.#directory);
    });
  }

  async close(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    await active?.file.close();
  }

  async #writable(name: string): Promise<FileHandle> {
    if (this.#active?.name === name) return this.#active.file;
    await this.close();
    const file = await open(join(this.#directory, 'wal', name), 'r+');
    this.#active = { name, file };
    return file;
  }

  async #makeDirectories(): Promise<void> {
    await mkdir(join(this.#directory, 'wal'), { recursive: true });
    await mkdir(join(this.#directory, 'set-aside'), { recursive: true });
  }

  async #try<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof LogLockedError) throw cause;
      throw this.#failure(what, cause);
    }
  }

  #failure(what: string, cause: unknown): StoreError {
    const message = cause instanceof Error ? cause.message : String(cause);
    return new StoreError(reasonOf(cause), `${this.#directory}: cannot ${what}: ${message}`, { cause });
  }
}

function reasonOf(error: unknown): StoreError['reason'] {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'full';
  return code === 'ENOENT' ? 'missing' : 'failed';
}

const errorCode = (error: unknown): unknown => (typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined);

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let done = 0;
  // A disk that fills up takes a part first; the rest then fails with the reason.
  while (done < bytes.length) done += await writeSome(file.fd, bytes, done, at + done);
}

function writeAllSync(fd: number, bytes: Uint8Array, at: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

/** With a callback, which costs a sixth less processor time than the promise of a FileHandle. */
function writeSome(fd: number, bytes: Uint8Array, from: number, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, from, bytes.length - from, at, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

/** Makes new and renamed names durable. Not every system lets a directory be synced; those keep names in order themselves. */
async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle;
  try {
    directory = await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'EISDIR' || errorCode(error) === 'EPERM') return;
    throw error;
  }
  try {
    await directory.sync();
  } catch (error) {
    if (errorCode(error) !== 'EINVAL' && errorCode(error) !== 'EPERM') throw error;
  } finally {
    await directory.close();
  }
}

function lockHost(directory: string): LockHost {
  const path = (name: LockName): string => join(directory, name);
  return {
    place: directory,
    async self(): Promise<Owner> {
      const boot = await readText('/proc/sys/kernel/random/boot_id');
      return { pid: process.pid, started: await startTime(process.pid), boot: boot?.trim() ?? '' };
    },
    async process(pid) {
      try {
        process.kill(pid, 0);
      } catch (error) {
        // EPERM: it runs, under another user.
        if (errorCode(error) !== 'EPERM') return undefined;
      }
      return { started: await startTime(pid) };
    },
    read: (name) => readText(path(name)),
    async create(name, text) {
      const draft = `${path(name)}.${process.pid}.tmp`;
      try {
        await writeFile(draft, text);
        // A link appears with its content, so nobody reads half a lock and takes it for a dead one's.
        await link(draft, path(name)).catch((error: unknown) => {
          if (errorCode(error) === 'EEXIST') throw error;
          // FAT has no links.
          return writeFile(path(name), text, { flag: 'wx' });
        });
        return true;
      } catch (error) {
        if (errorCode(error) === 'EEXIST') return false;
        throw error;
      } finally {
        await rm(draft, { force: true });
      }
    },
    async replace(name, text) {
      await writeFile(`${path(name)}.tmp`, text);
      await rename(`${path(name)}.tmp`, path(name));
    },
    remove: (name) => rm(path(name), { force: true }),
  };
}

/** Field 22 of /proc/PID/stat (proc(5)); the second field is a name in brackets that may hold anything. */
async function startTime(pid: number): Promise<string> {
  const text = await readText(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
