import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileStore } from '../../../agent-lite/wal/file-store.ts';
import { QuickWrites } from '../../../agent-lite/wal/quick-writes.ts';

const MINUTE = 60_000;

describe('which writes are made at once', () => {
  const cases: readonly { name: string; writes: readonly { at: number; took: number }[]; made: readonly boolean[] }[] = [
    {
      name: 'quick ones',
      writes: [
        { at: 0, took: 0.01 },
        { at: 1, took: 25 },
        { at: 30, took: 0.01 },
      ],
      made: [true, true, true],
    },
    {
      name: 'none for a minute after a slow one',
      writes: [
        { at: 0, took: 25.1 },
        { at: 30, took: 0.01 },
        { at: MINUTE, took: 0.01 },
        { at: MINUTE + 25.2, took: 0.01 },
      ],
      made: [true, false, false, true],
    },
    {
      name: 'one in a minute while the disk is slow',
      writes: [
        { at: 0, took: 2000 },
        { at: MINUTE + 2000, took: 2000 },
        { at: MINUTE + 4000, took: 0.01 },
        { at: 2 * MINUTE + 4000, took: 0.01 },
      ],
      made: [true, true, false, true],
    },
  ];
  it.each(cases)('$name', ({ writes, made }) => {
    let now = 0;
    const quick = new QuickWrites(() => now);
    const got = writes.map(({ at, took }) => {
      now = at;
      return quick.attempt(() => {
        now += took;
      });
    });
    expect(got).toEqual(made);
  });

  it('also after one that failed slowly', () => {
    let now = 0;
    const quick = new QuickWrites(() => now);
    const fails = (): void => {
      now += 100;
      throw new Error('EIO');
    };
    expect(() => quick.attempt(fails)).toThrow('EIO');
    expect(quick.attempt(() => undefined)).toBe(false);
  });
});

describe('appends to files', () => {
  /** How a store with this clock carries out an append to the open segment. */
  const inFolder = async (run: (path: string) => Promise<void>): Promise<void> => {
    const path = await mkdtemp(join(tmpdir(), 'agent-lite-quick-'));
    try {
      await run(path);
    } finally {
      await rm(path, { recursive: true });
    }
  };

  it.each([
    { name: 'are there when the call returns', clock: () => 0, atOnce: true },
    { name: 'go over the thread pool without a clock', clock: undefined, atOnce: false },
  ])('$name', ({ clock, atOnce }) =>
    inFolder(async (path) => {
      const store = new FileStore(path, clock);
      await store.create('wal', 'a.seg', Uint8Array.of(1), false);
      const pending = store.append('a.seg', 1, Uint8Array.of(2, 3));
      expect(pending === undefined).toBe(atOnce);
      await pending;
      expect([...(await readFile(join(path, 'wal/a.seg')))]).toEqual([1, 2, 3]);
      await store.close();
    }),
  );

  it('go over the thread pool after a slow one, with the same content', () =>
    inFolder(async (path) => {
      let now = 0;
      const store = new FileStore(path, () => (now += 30));
      await store.create('wal', 'a.seg', Uint8Array.of(1), false);
      expect(store.append('a.seg', 1, Uint8Array.of(2))).toBeUndefined();
      const pending = store.append('a.seg', 2, Uint8Array.of(3));
      expect(pending).toBeInstanceOf(Promise);
      await pending;
      now += 60_000;
      expect(store.append('a.seg', 3, Uint8Array.of(4))).toBeUndefined();
      expect([...(await readFile(join(path, 'wal/a.seg')))]).toEqual([1, 2, 3, 4]);
      await store.close();
    }));

  it('say that the disk is full, by either way', () =>
    inFolder(async (path) => {
      await mkdir(join(path, 'wal'));
      await symlink('/dev/full', join(path, 'wal/a.seg'));
      const store = new FileStore(path, () => 0);
      const full = { name: 'StoreError', reason: 'full', message: expect.stringContaining('cannot append to a.seg: ENOSPC') };
      // The first opens it.
      await expect(store.append('a.seg', 0, Uint8Array.of(1))).rejects.toMatchObject(full);
      expect(() => store.append('a.seg', 0, Uint8Array.of(1))).toThrow(expect.objectContaining(full));
      await store.close();
    }));
});
