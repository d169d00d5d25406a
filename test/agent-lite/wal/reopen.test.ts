import { describe, expect, it } from 'vitest';
import type { Scrape } from '../../../agent-lite/model.ts';
import { FORMAT_VERSION, HEADER_BYTES, parseSegmentName } from '../../../agent-lite/wal/format.ts';
import type { Log } from '../../../agent-lite/wal/options.ts';
import { BLOCK } from '../../../agent-lite/wal/positions.ts';
import { encodeSmallFile } from '../../../agent-lite/wal/small-file.ts';
import { crc32c } from '../../../contract/crc32c.ts';
import { NO_CHAIN } from '../../../contract/push.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { logWorld, numbered, plain, readAll, tableOf, targetOf } from '../../fakes/wal.ts';

const table = await tableOf('a', 'b', 'c', 'd');
const target = targetOf('x:1');

function fixture() {
  const world = logWorld();
  let n = 0;
  const fill = async (log: Log, count: number): Promise<Scrape[]> => {
    const written: Scrape[] = [];
    for (let i = 0; i < count; i++) {
      await world.clock.advance(1000);
      const scrape = numbered(++n, world.clock, target, table);
      await log.append(scrape);
      written.push(scrape);
    }
    return written;
  };
  return { world, fill };
}
const segmentNames = async (store: UnreliableStore) => (await store.now.list('wal')).map(({ name }) => name).sort();

describe('opening a log again', () => {
  it('after a clean close everything is there, under the same name, and positions go on beyond', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const first = await world.open(store);
    const written = await fill(first, 20);
    const head = first.head();
    await first.close();

    const second = await world.open(store);
    expect(second.logId).toBe(first.logId);
    expect(second.head()).toEqual(head);
    written.push(...(await fill(second, 5)));
    const { scrapes, gaps } = await readAll(second);
    expect(gaps).toEqual([]);
    expect(scrapes.map(plain)).toEqual(written.map(plain));
    expect(scrapes[20]?.position).toBeGreaterThan(BLOCK);
    expect(second.backlog(0).records).toBe(25);
  });

  it('after SIGKILL nothing is lost, though nothing was synced', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const written = await fill(await world.open(store, { sync: 'never' }), 20);
    const log = await world.open(await store.kill());
    const { scrapes, gaps } = await readAll(log);
    expect(gaps).toEqual([]);
    expect(scrapes.map(plain)).toEqual(written.map(plain));
  });

  it('segments of another format version are kept aside as they are, and none of their records is read', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store);
    await fill(log, 20);
    await log.close();
    const [name = ''] = await segmentNames(store);
    const bytes = await store.read('wal', name, 0, Number.MAX_SAFE_INTEGER);
    bytes[8] = FORMAT_VERSION + 1;
    new DataView(bytes.buffer).setUint32(HEADER_BYTES - 4, crc32c(bytes.subarray(0, HEADER_BYTES - 4)), true);
    await store.create('wal', name, bytes, true);

    const again = await world.open(store);
    expect((await readAll(again)).scrapes).toEqual([]);
    expect(again.status().damage.map(({ reason }) => reason)).toEqual(['a segment of another format version']);
    const [aside] = await store.list('set-aside');
    expect(await store.read('set-aside', aside?.name ?? '', 0, Number.MAX_SAFE_INTEGER)).toEqual(bytes);
    await fill(again, 3);
    expect((await readAll(again)).scrapes).toHaveLength(3);
  });

  it('a segment whose header is damaged, among segments of another format version, is kept aside and not read by guess', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, { segmentBytes: 1000 });
    await fill(log, 40);
    await log.close();
    const names = await segmentNames(store);
    expect(names.length).toBeGreaterThan(3);
    const [damaged = '', other = ''] = names.slice(1);
    for (const name of [damaged, other]) {
      const bytes = await store.read('wal', name, 0, Number.MAX_SAFE_INTEGER);
      bytes[8] = FORMAT_VERSION + 1;
      if (name === other) new DataView(bytes.buffer).setUint32(HEADER_BYTES - 4, crc32c(bytes.subarray(0, HEADER_BYTES - 4)), true);
      await store.create('wal', name, bytes, true);
    }
    const kept = await store.read('wal', damaged, 0, Number.MAX_SAFE_INTEGER);

    const again = await world.open(store);
    const { scrapes, gaps } = await readAll(again);
    const [from, to] = [names[1], names[3]].map((name) => Number(name?.slice(0, 16)));
    expect(gaps).toEqual([{ from, to: Number(to) - 1, reason: 'damaged' }]);
    expect(scrapes.some(({ position }) => position >= Number(from) && position < Number(to))).toBe(false);
    expect(scrapes.length).toBeGreaterThan(10);
    const aside = await Promise.all(
      (await store.list('set-aside')).map(({ name }) => store.read('set-aside', name, 0, Number.MAX_SAFE_INTEGER)),
    );
    expect(aside).toContainEqual(kept);
  });

  it('a torn end is cut, said so, and is neither a gap nor damage', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store);
    const written = await fill(log, 10);
    const [name = ''] = await segmentNames(store);
    const { bytes } = log.status();
    await store.now.append(name, bytes, Uint8Array.of(7, 0, 0, 0, 1, 2, 3));

    const again = await world.open(await store.kill());
    const { scrapes, gaps } = await readAll(again);
    expect(scrapes.map(plain)).toEqual(written.map(plain));
    expect(gaps).toEqual([]);
    expect(again.status().counters).toMatchObject({ damaged: 0, tornBytes: 7 });
    expect(world.logger.text('warn')).toContain('torn end');
    expect((await store.now.list('wal')).find((entry) => entry.name === name)?.bytes).toBe(bytes);
  });

  it('a log cut back to its last sync never uses the lost positions again', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, { syncIntervalMs: 1e9 });
    const kept = await fill(log, 10);
    await log.sync();
    await fill(log, 5);
    const lost = (await readAll(log)).scrapes.slice(10).map(({ position }) => position);
    const { head } = log.status();

    const again = await world.open(await store.powerCut());
    expect(await again.chainAt(head.position)).toBeUndefined();
    const more = await fill(again, 5);
    const { scrapes, gaps } = await readAll(again);
    expect(scrapes.map(plain)).toEqual([...kept, ...more].map(plain));
    // Nobody can know that there was more: the jump looks like every other one.
    expect(gaps).toEqual([]);
    for (const { position } of scrapes.slice(10)) expect(position).toBeGreaterThan(Math.max(...lost));
    expect(await again.chainAt(head.position)).toBeUndefined();
  });

  it('what a power cut took after it was acknowledged is no gap for that receiver, and one for the other', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, { sync: 'always' });
    const written = await fill(log, 10);
    const early = (await readAll(log)).scrapes[4];
    const end = log.head();
    const never = await world.open(await store.kill(), { sync: 'never' });
    await fill(never, 5);
    const late = never.head();
    if (early === undefined) throw new Error('expected five scrapes');
    await never.moveCursor('slow', { position: early.position, chain: early.chain });
    await never.moveCursor('fast', late);
    const cut = await store.powerCut();
    // The cursors reached the disk, the records did not.
    await cut.now.replaceFile('cursors.json', (await store.now.readFile('cursors.json')) ?? new Uint8Array(), true);

    const again = await world.open(cut);
    expect(again.head()).toEqual(late);
    const more = await fill(again, 3);
    // Nobody here can tell it from a cursor that lies. The edge can: it has that record, which is where the log went on.
    expect(again.cursor('fast').position).toBe(0);
    expect(await again.chainAt(late.position)).toBe(late.chain);
    await again.moveCursor('fast', late);
    const fast = await readAll(again, again.cursor('fast').position);
    expect(fast.gaps).toEqual([]);
    expect(fast.scrapes.map(plain)).toEqual(more.map(plain));
    const first = fast.scrapes[0]?.position ?? 0;
    expect(first).toBeGreaterThan(late.position);
    const slow = await readAll(again, again.cursor('slow').position);
    expect(slow.scrapes.map(plain)).toEqual([...written.slice(5), ...more].map(plain));
    // The boot, the target and the table stand in front of a segment's first scrape.
    expect(slow.gaps).toEqual([{ from: end.position + 1, to: first - 4, reason: 'damaged' }]);
    expect(slow.entries[5]?.kind).toBe('gap');
  });

  it.each(['of this log', 'of a log that it does not name'])(
    'a cursor in the future, %s, is jumped over, and skips nothing',
    async (of) => {
      const { world, fill } = fixture();
      const store = new UnreliableStore();
      const log = await world.open(store);
      const written = await fill(log, 3);
      await log.close();
      const cursors = [{ receiver: 'edge', position: 5_000_000, chain: 'ffffffffffffffff' }];
      const named = of === 'of this log' ? { log_id: log.logId } : {};
      await store.now.replaceFile('cursors.json', encodeSmallFile({ format: 1, ...named, cursors }), true);

      const again = await world.open(store);
      expect(again.cursor('edge')).toEqual({ position: 0, chain: NO_CHAIN });
      expect(await again.chainAt(5_000_000)).toBe('ffffffffffffffff');
      const more = await fill(again, 2);
      const { scrapes } = await readAll(again);
      expect(scrapes.map(plain)).toEqual([...written, ...more].map(plain));
      expect(scrapes.slice(3).every(({ position }) => position > 5_000_000)).toBe(true);
      expect(world.logger.text('warn')).toContain('cursors point beyond the log');
    },
  );

  it('a cursor at the end of a log of which nothing is left but an empty segment is believed', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store);
    await fill(log, 3);
    const head = log.head();
    await log.moveCursor('edge', head);
    await log.close();
    // The next one begins a segment, and has no more use for the one before.
    const second = await world.open(store);
    await second.moveCursor('edge', head);
    await second.close();
    const third = await world.open(store);
    expect(third.cursor('edge')).toEqual(head);
    expect((await readAll(third, head.position)).entries).toEqual([]);
  });

  it('positions are not used again although the newest segment and the reservation are gone', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, { segmentBytes: 2048, limitBytes: 1 << 20 });
    await fill(log, 60);
    const { position } = log.head();
    await log.close();
    const names = await segmentNames(store);
    expect(names.length).toBeGreaterThan(2);
    await store.now.remove('wal', names.at(-1) ?? '');

    for (const reservation of [true, false]) {
      const copy = await store.copy();
      if (!reservation) await copy.now.replaceFile('positions.json', Uint8Array.of(1), true);
      const again = await world.open(copy);
      await fill(again, 1);
      expect(again.head().position).toBeGreaterThan(position);
      expect(again.logId).toBe(log.logId);
    }
  });

  it('a deleted directory is a new log', async () => {
    const { world, fill } = fixture();
    const log = await world.open(new UnreliableStore());
    await fill(log, 3);
    const fresh = await world.open(new UnreliableStore());
    expect(fresh.logId).not.toBe(log.logId);
    expect(fresh.cursor('edge')).toEqual({ position: 0, chain: NO_CHAIN });
    await fill(fresh, 1);
    expect((await readAll(fresh)).scrapes).toHaveLength(1);
  });

  it('without the cursor file everything is sent again', async () => {
    const { world, fill } = fixture();
    for (const content of [undefined, Uint8Array.of(), new TextEncoder().encode('{"format":1,"cursors":[]}\n00000000\n')]) {
      const store = new UnreliableStore();
      const log = await world.open(store);
      const written = await fill(log, 3);
      await log.moveCursor('edge', log.head());
      await log.close();
      const copy = new UnreliableStore();
      for (const { name, bytes } of await store.now.list('wal'))
        await copy.create('wal', name, await store.now.read('wal', name, 0, bytes), true);
      if (content !== undefined) await copy.replaceFile('cursors.json', content, true);
      const again = await world.open(copy);
      expect(again.cursor('edge')).toEqual({ position: 0, chain: NO_CHAIN });
      expect((await readAll(again)).scrapes.map(plain)).toEqual(written.map(plain));
    }
  });

  it('an acknowledged first segment that is deleted is no gap', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const options = { segmentBytes: 2048, limitBytes: 1 << 20 };
    const log = await world.open(store, options);
    const written = await fill(log, 60);
    const names = await segmentNames(store);
    const second = parseSegmentName(names[1] ?? '') ?? 0;
    const before = (await readAll(log)).scrapes.filter(({ position }) => position < second);
    const point = before.at(-1) ?? log.head();
    await log.moveCursor('edge', { position: point.position, chain: point.chain });
    expect(await segmentNames(store)).toEqual(names.slice(1));
    await log.close();
    const again = await world.open(store, options);
    const rest = await readAll(again, again.cursor('edge').position);
    expect(rest.gaps).toEqual([]);
    expect(rest.scrapes.map(plain)).toEqual(written.slice(before.length).map(plain));
    // Its end is still known, as the edge may name it.
    expect(await again.chainAt(point.position)).toBe(point.chain);
    // A receiver that has nothing yet is told what is missing.
    expect((await readAll(again, 0)).gaps).toEqual([{ from: 1, to: second - 1, reason: 'evicted' }]);
  });

  it('cut-off, foreign and senseless files never stop it', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store);
    const written = await fill(log, 5);
    await log.close();
    await store.now.create('wal', '0000000000090000.seg', new Uint8Array(0), true);
    await store.now.create('wal', '0000000000090001.seg', new Uint8Array(40), true);
    await store.now.create('wal', '0000000000080000.seg', new Uint8Array(400).fill(3), true);
    await store.now.create('wal', 'notes.txt', new Uint8Array(10), true);
    await store.now.create('wal', '.DS_Store', new Uint8Array(0), true);

    const again = await world.open(store);
    written.push(...(await fill(again, 5)));
    expect((await readAll(again)).scrapes.map(plain)).toEqual(written.map(plain));
    expect(await store.now.list('set-aside')).toEqual([{ name: '0000000000080000.seg', bytes: 400 }]);
    expect(await segmentNames(store)).toEqual(['.DS_Store', '0000000000000001.seg', '0000000000065537.seg', 'notes.txt']);
  });

  it('a segment whose header is damaged still gives its records', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const options = { segmentBytes: 2048, limitBytes: 1 << 20 };
    const log = await world.open(store, options);
    const written = await fill(log, 60);
    await log.close();
    for (const i of [0, 1, (await segmentNames(store)).length - 1]) {
      const copy = await store.copy();
      const name = (await segmentNames(copy))[i] ?? '';
      const bytes = await copy.now.read('wal', name, 0, 1 << 20);
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      await copy.now.create('wal', name, bytes, true);
      const again = await world.open(copy, options);
      expect(again.logId).toBe(log.logId);
      const { scrapes, gaps } = await readAll(again);
      expect(scrapes.map(plain)).toEqual(written.map(plain));
      expect(gaps).toEqual([]);
      expect(again.status().counters.damaged).toBe(1);
    }
  });

  it('restarts without records leave no files behind', async () => {
    const { world } = fixture();
    const store = new UnreliableStore();
    for (let i = 0; i < 5; i++) await (await world.open(store)).close();
    expect(await segmentNames(store)).toHaveLength(1);
  });

  it('reads only headers of older segments', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const options = { segmentBytes: 2048, limitBytes: 1 << 20 };
    const log = await world.open(store, options);
    await fill(log, 80);
    const { records, oldestMs } = log.backlog(0);
    await log.close();
    const names = await segmentNames(store);
    store.calls.length = 0;
    const again = await world.open(store, options);
    const reads = store.calls.filter((call) => call.startsWith('read '));
    expect(reads).toHaveLength(names.length + 1);
    expect(again.backlog(0)).toMatchObject({ records, oldestMs });
  });
});
