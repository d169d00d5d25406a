import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogLockedError, type SegmentStore, StoreError } from '../../agent-lite/wal/store.ts';

export interface StoreUnderTest {
  readonly store: SegmentStore;
  /** A second store on the same place, as another process would open it. */
  again(): SegmentStore;
  cleanUp(): Promise<void>;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const sorted = async (store: SegmentStore, area: 'wal' | 'set-aside') =>
  [...(await store.list(area))].sort((a, b) => (a.name < b.name ? -1 : 1));

/** What the log relies on, run on every store. */
export function segmentStoreSuite(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`segment store: ${name}`, () => {
    let subject: StoreUnderTest;
    let store: SegmentStore;
    beforeEach(async () => {
      subject = await make();
      store = subject.store;
      await store.lock();
    });
    afterEach(async () => {
      await store.close();
      await subject.cleanUp();
    });
    const rejectsWith = (promise: Promise<unknown>, reason: StoreError['reason']) =>
      expect(promise.then(() => 'resolved')).rejects.toMatchObject({ name: 'StoreError', reason });

    it('starts empty', async () => {
      expect(await store.list('wal')).toEqual([]);
      expect(await store.list('set-aside')).toEqual([]);
      expect(await store.readFile('cursors.json')).toBeUndefined();
    });

    it('keeps what is created and appended, in both areas apart', async () => {
      await store.create('wal', 'b.seg', bytes(1, 2), true);
      await store.create('wal', 'a.seg', bytes(9), false);
      await store.create('set-aside', 'a.seg', bytes(7, 7, 7), true);
      await store.append('b.seg', 2, bytes(3, 4));
      await store.append('b.seg', 4, bytes(5));
      await store.sync('b.seg');
      expect(await sorted(store, 'wal')).toEqual([
        { name: 'a.seg', bytes: 1 },
        { name: 'b.seg', bytes: 5 },
      ]);
      expect(await sorted(store, 'set-aside')).toEqual([{ name: 'a.seg', bytes: 3 }]);
      expect(await store.read('wal', 'b.seg', 0, 5)).toEqual(bytes(1, 2, 3, 4, 5));
      expect(await store.read('set-aside', 'a.seg', 0, 3)).toEqual(bytes(7, 7, 7));
    });

    it('another handle sees an append before any sync', async () => {
      await store.create('wal', 'a.seg', bytes(1), false);
      await store.append('a.seg', 1, bytes(2));
      if (subject.again() === store) return;
      expect(await subject.again().read('wal', 'a.seg', 0, 9)).toEqual(bytes(1, 2));
    });

    it('reads ranges, short only at the end', async () => {
      await store.create('wal', 'a.seg', bytes(0, 1, 2, 3, 4, 5), true);
      expect(await store.read('wal', 'a.seg', 2, 3)).toEqual(bytes(2, 3, 4));
      expect(await store.read('wal', 'a.seg', 4, 100)).toEqual(bytes(4, 5));
      expect(await store.read('wal', 'a.seg', 6, 1)).toEqual(bytes());
      expect(await store.read('wal', 'a.seg', 60, 1)).toEqual(bytes());
    });

    it('overwrites what a failed append may have left', async () => {
      await store.create('wal', 'a.seg', bytes(1), true);
      await store.append('a.seg', 1, bytes(9, 9, 9, 9));
      await store.append('a.seg', 1, bytes(2, 3));
      expect((await store.read('wal', 'a.seg', 0, 3)).slice()).toEqual(bytes(1, 2, 3));
    });

    it('cuts an end off, and appends behind the cut', async () => {
      await store.create('wal', 'a.seg', bytes(1, 2, 3, 4), true);
      await store.truncate('a.seg', 2);
      expect(await store.list('wal')).toEqual([{ name: 'a.seg', bytes: 2 }]);
      await store.append('a.seg', 2, bytes(5));
      expect(await store.read('wal', 'a.seg', 0, 9)).toEqual(bytes(1, 2, 5));
    });

    it('creating a segment again replaces it', async () => {
      await store.create('wal', 'a.seg', bytes(1, 2, 3), true);
      await store.create('wal', 'a.seg', bytes(4), true);
      expect(await store.read('wal', 'a.seg', 0, 9)).toEqual(bytes(4));
      await store.append('a.seg', 1, bytes(5));
      expect(await store.read('wal', 'a.seg', 0, 9)).toEqual(bytes(4, 5));
    });

    it('appends to a segment that is not the one created last', async () => {
      await store.create('wal', 'a.seg', bytes(1), true);
      await store.create('wal', 'b.seg', bytes(2), true);
      await store.append('a.seg', 1, bytes(3));
      await store.append('b.seg', 1, bytes(4));
      expect(await store.read('wal', 'a.seg', 0, 9)).toEqual(bytes(1, 3));
      expect(await store.read('wal', 'b.seg', 0, 9)).toEqual(bytes(2, 4));
    });

    it('removes, also twice', async () => {
      await store.create('wal', 'a.seg', bytes(1), true);
      await store.create('set-aside', 'a.seg', bytes(2), true);
      await store.remove('wal', 'a.seg');
      await store.remove('wal', 'a.seg');
      expect(await store.list('wal')).toEqual([]);
      expect(await store.list('set-aside')).toEqual([{ name: 'a.seg', bytes: 1 }]);
    });

    it('says "missing" of what is not there', async () => {
      await rejectsWith(store.read('wal', 'a.seg', 0, 1), 'missing');
      await rejectsWith((async () => store.append('a.seg', 0, bytes(1)))(), 'missing');
      await rejectsWith(store.sync('a.seg'), 'missing');
      await rejectsWith(store.truncate('a.seg', 0), 'missing');
      expect(new StoreError('failed', 'x')).toBeInstanceOf(Error);
    });

    it('replaces small files whole', async () => {
      await store.replaceFile('cursors.json', bytes(1, 2, 3), true);
      await store.replaceFile('cursors.json', bytes(4), false);
      expect(await store.readFile('cursors.json')).toEqual(bytes(4));
      expect(await store.list('wal')).toEqual([]);
    });

    it('what it returns and what it was given are copies', async () => {
      const given = bytes(1, 2);
      await store.create('wal', 'a.seg', given, true);
      await store.replaceFile('f', given, true);
      given[0] = 9;
      const got = await store.read('wal', 'a.seg', 0, 2);
      got[1] = 9;
      expect(await store.read('wal', 'a.seg', 0, 2)).toEqual(bytes(1, 2));
      expect(await store.readFile('f')).toEqual(bytes(1, 2));
    });

    it('has one user at a time', async () => {
      await expect(subject.again().lock()).rejects.toBeInstanceOf(LogLockedError);
      await store.unlock();
      await subject.again().lock();
      await subject.again().unlock();
      await store.lock();
    });
  });
}
