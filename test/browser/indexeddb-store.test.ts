import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { segmentStoreSuite } from '../suites/segment-store.ts';
import { inPage, openSite, type Site } from './harness/chromium.ts';
import { RemoteStore } from './harness/remote-store.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

let site: Site;
let first: Page;
let second: Page;
let logs = 0;
const freshName = (): string => `log-${++logs}`;

beforeAll(async () => {
  site = await openSite();
  first = await site.tab();
  second = await site.tab();
}, 60_000);
afterAll(() => site.close());

for (const durability of ['strict', 'relaxed'] as const)
  segmentStoreSuite(`IndexedDB in Chromium, ${durability}`, async () => {
    const settings = { name: freshName(), durability };
    const store = new RemoteStore(first, settings);
    const other = new RemoteStore(second, settings);
    return {
      store,
      again: () => other,
      async cleanUp() {
        await store.unlock();
        await other.close();
      },
    };
  });

describe('IndexedDB store', () => {
  it.each([
    { durability: 'strict', appends: ['strict'], syncs: [] },
    { durability: 'relaxed', appends: ['relaxed'], syncs: ['strict'] },
  ] as const)('$durability: appends are $appends, a sync after them is $syncs', async ({ durability, appends, syncs }) => {
    const store = new RemoteStore(first, { name: freshName(), durability });
    await store.lock();
    await store.create('wal', 'a.seg', bytes(1), true);
    await inPage(first, 'durability', 'takeDurabilities');
    await store.append('a.seg', 1, bytes(2));
    expect(await inPage(first, 'durability', 'takeDurabilities')).toEqual(appends);
    await store.sync('a.seg');
    await store.sync('a.seg');
    expect(await inPage(first, 'durability', 'takeDurabilities')).toEqual(syncs);
    await store.replaceFile('cursors.json', bytes(1), true);
    expect(await inPage(first, 'durability', 'takeDurabilities')).toEqual(['strict']);
    await store.unlock();
  });

  it('reads across appends, from and to the middle of them', async () => {
    const store = new RemoteStore(first, { name: freshName(), durability: 'relaxed' });
    await store.lock();
    await store.create('wal', 'a.seg', bytes(0, 1, 2), true);
    for (let at = 3; at < 30; at += 3) await store.append('a.seg', at, bytes(at, at + 1, at + 2));
    const all = Array.from({ length: 30 }, (_, i) => i);
    for (const [offset, length] of [
      [0, 30],
      [1, 28],
      [2, 1],
      [3, 3],
      [4, 7],
      [29, 5],
    ] as const)
      expect([...(await store.read('wal', 'a.seg', offset, length))]).toEqual(all.slice(offset, offset + length));
    await store.truncate('a.seg', 10);
    await store.append('a.seg', 10, bytes(99));
    await store.append('a.seg', 5, bytes(50, 51));
    expect([...(await store.read('wal', 'a.seg', 0, 30))]).toEqual([0, 1, 2, 3, 4, 50, 51]);
    await store.unlock();
  });

  it('writes nothing without the lock', async () => {
    const store = new RemoteStore(first, { name: freshName(), durability: 'relaxed' });
    await expect(store.create('wal', 'a.seg', bytes(1), true)).rejects.toMatchObject({ reason: 'failed' });
    expect(await store.list('wal')).toEqual([]);
  });

  it('a tab that closes gives the log up', async () => {
    const settings = { name: freshName(), durability: 'relaxed' } as const;
    const tab = await site.tab();
    const its = new RemoteStore(tab, settings);
    await its.lock();
    await its.create('wal', 'a.seg', bytes(1), true);
    await its.append('a.seg', 1, bytes(2));
    const ours = new RemoteStore(first, settings);
    await expect(ours.lock()).rejects.toMatchObject({ name: 'LogLockedError' });
    await tab.close();
    await expect.poll(() => ours.lock().then(() => 'locked', String)).toBe('locked');
    expect([...(await ours.read('wal', 'a.seg', 0, 9))]).toEqual([1, 2]);
    await ours.unlock();
  });

  it.each([0, 1, 2, 5, 20])('a tab that is killed with appends under way leaves whole ones, %i ms after they began', async (ms) => {
    const settings = { name: freshName(), durability: 'relaxed' } as const;
    const tab = await site.tab();
    const its = new RemoteStore(tab, settings);
    await its.lock();
    await its.create('wal', 'a.seg', bytes(), true);
    const record = 1000;
    // Each append is 1,000 bytes of its number. Nobody waits for them.
    await inPage(tab, 'stores', 'appendForEver', await its.id, 'a.seg', record);
    const session = await site.context.newCDPSession(tab);
    await new Promise((resolve) => setTimeout(resolve, ms));
    const crashed = tab.waitForEvent('crash');
    // Never answered.
    session.send('Page.crash').catch(() => undefined);
    await crashed;
    const ours = new RemoteStore(first, settings);
    await expect.poll(() => ours.lock().then(() => 'locked', String)).toBe('locked');
    const length = (await ours.list('wal')).find(({ name }) => name === 'a.seg')?.bytes ?? -1;
    expect(length % record).toBe(0);
    const content = await ours.read('wal', 'a.seg', 0, length + 1);
    expect(content.length).toBe(length);
    expect(content.every((byte, at) => byte === Math.floor(at / record) % 256)).toBe(true);
    await ours.append('a.seg', length, bytes(1));
    await ours.unlock();
  });

  it('a leader whose lock was stolen can neither write nor read any more', async () => {
    const settings = { name: freshName(), durability: 'relaxed' } as const;
    const old = new RemoteStore(first, settings);
    await old.lock();
    await old.create('wal', 'a.seg', bytes(1), true);
    await second.evaluate(async (name) => {
      // Takes it from its holder, and lets go.
      await navigator.locks.request(name, { steal: true }, () => undefined);
    }, settings.name);
    const next = new RemoteStore(second, settings);
    await next.lock();
    await expect(old.append('a.seg', 1, bytes(9))).rejects.toMatchObject({
      reason: 'failed',
      message: expect.stringMatching('taken over'),
    });
    await expect(old.read('wal', 'a.seg', 0, 1)).rejects.toMatchObject({ reason: 'failed' });
    await next.append('a.seg', 1, bytes(2));
    expect([...(await next.read('wal', 'a.seg', 0, 9))]).toEqual([1, 2]);
    expect(await inPage(first, 'stores', 'supersededReasons')).toHaveLength(1);
    await next.unlock();
  });

  it('the term alone stops a leader that was not told', async () => {
    const settings = { name: freshName(), durability: 'relaxed' } as const;
    const old = new RemoteStore(first, settings);
    await old.lock();
    await old.create('wal', 'a.seg', bytes(1), true);
    await second.evaluate(async (name) => {
      const open = indexedDB.open(name);
      await new Promise((resolve) => (open.onsuccess = resolve));
      const transaction = open.result.transaction('meta', 'readwrite');
      transaction.objectStore('meta').put({ term: 7, id: 'another' }, 'leader');
      await new Promise((resolve) => (transaction.oncomplete = resolve));
      open.result.close();
    }, settings.name);
    await expect(old.append('a.seg', 1, bytes(9))).rejects.toMatchObject({
      reason: 'failed',
      message: expect.stringMatching('another, term 7'),
    });
    await expect(old.list('wal')).rejects.toMatchObject({ reason: 'failed' });
    await old.unlock();
  });

  it('a database that is deleted under it counts as lost files, and is made anew', async () => {
    const settings = { name: freshName(), durability: 'relaxed' } as const;
    const store = new RemoteStore(first, settings);
    await store.lock();
    await store.create('wal', 'a.seg', bytes(1), true);
    const outcome = await second.evaluate(async (name) => {
      const request = indexedDB.deleteDatabase(name);
      return new Promise((resolve) => {
        request.onsuccess = () => resolve('deleted');
        request.onerror = () => resolve('failed');
      });
    }, settings.name);
    expect(outcome).toBe('deleted');
    await expect(store.append('a.seg', 1, bytes(2))).rejects.toMatchObject({ reason: 'missing' });
    await store.create('wal', 'b.seg', bytes(5), true);
    expect(await store.list('wal')).toEqual([{ name: 'b.seg', bytes: 1 }]);
    expect(await store.deletions()).toBe(1);
    await store.unlock();
  });

  it('says "full" at the quota of the browser, keeps what it had, and goes on when there is more', async () => {
    const tab = await site.tab();
    const session = await site.context.newCDPSession(tab);
    const store = new RemoteStore(tab, { name: freshName(), durability: 'relaxed' });
    await store.lock();
    await store.create('wal', 'a.seg', bytes(1), true);
    await session.send('Storage.overrideQuotaForOrigin', { origin: site.origin, quotaSize: 3_000_000 });
    let length = 1;
    const big = new Uint8Array(500_000);
    const fill = async (): Promise<never> => {
      for (;;) {
        // Nothing that a browser could make smaller.
        for (let at = 0; at < big.length; at += 60_000) crypto.getRandomValues(big.subarray(at, at + 60_000));
        await store.append('a.seg', length, big);
        length += big.length;
      }
    };
    await expect(fill()).rejects.toMatchObject({ reason: 'full', message: expect.stringMatching('QuotaExceededError') });
    expect(await store.list('wal')).toEqual([{ name: 'a.seg', bytes: length }]);
    await session.send('Storage.overrideQuotaForOrigin', { origin: site.origin });
    await store.append('a.seg', length, bytes(1));
    await store.unlock();
    await tab.close();
  });

  it('says "full" where there is no space, and goes on when there is', async () => {
    const store = new RemoteStore(first, { name: freshName(), durability: 'relaxed' });
    await store.lock();
    await store.create('wal', 'a.seg', bytes(1), true);
    await inPage(first, 'durability', 'failWrites', 1);
    await expect(store.append('a.seg', 1, bytes(2, 2, 2))).rejects.toMatchObject({ reason: 'full' });
    expect(await store.list('wal')).toEqual([{ name: 'a.seg', bytes: 1 }]);
    await store.append('a.seg', 1, bytes(3));
    expect([...(await store.read('wal', 'a.seg', 0, 9))]).toEqual([1, 3]);
    await store.unlock();
  });
});
