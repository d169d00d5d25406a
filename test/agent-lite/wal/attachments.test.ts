import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scrape } from '../../../agent-lite/model.ts';
import { writableExemplars } from '../../../agent-lite/wal/attachments.ts';
import { MemoryStore } from '../../../agent-lite/wal/memory-store.ts';
import type { Exemplar } from '../../../contract/exemplar.ts';
import { attachmentLimits } from '../../../contract/limits.ts';
import type { FamilyMetadata } from '../../../contract/metadata.ts';
import { metadata as anyMetadata, exemplars } from '../../contract/attachments.ts';
import { logWorld, numbered, plain, readAll, tableOf, targetOf } from '../../fakes/wal.ts';

const table = await tableOf('a', 'b', 'c', 'd');
const family = (name: string, help = ''): FamilyMetadata => ({ family: name, type: 'gauge', help, unit: '' });
const long = Array.from({ length: 200 }, (_, i) =>
  family(`family_${1000 + i}`, `The help text of family ${i}, as long as one is in practice.`),
);

const world = logWorld();
const scrape = (n: number, change: Partial<Scrape> = {}, target = 'x:1'): Scrape => ({
  ...numbered(n, world.clock, targetOf(target), table),
  ...change,
});

describe('exemplars in the log', () => {
  it('come back with their bits and times', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(exemplars(4), { minLength: 1, maxLength: 4 }), async (lists) => {
        const log = await world.open(new MemoryStore());
        const written = lists.map((list, i) => scrape(i, { exemplars: list }));
        for (const one of written) await log.append(one);
        expect((await readAll(log)).scrapes.map(plain)).toEqual(written.map(plain));
        await log.close();
      }),
      { numRuns: 60 },
    );
  });

  const one: Exemplar = { row: 0, labels: [['trace_id', 'abc']], value: 1, ms: 5 };
  const cases: readonly [string, readonly Exemplar[], number][] = [
    ['of a row that the table lacks', [{ ...one, row: 4 }, one], 1],
    ['with a time that is none', [{ ...one, ms: 0.5 }, one], 1],
    ['with more characters of labels than Prometheus takes', [{ ...one, labels: [['a', 'x'.repeat(128)]] }, one], 1],
    ['with a lone surrogate', [{ ...one, labels: [['a', '\ud800']] }, one], 1],
    ['out of order: sorted', [{ ...one, row: 3 }, one], 2],
    ['over the number of one sample', Array.from({ length: 40 }, () => one), attachmentLimits.exemplarsPerSample],
    ['over the number of a scrape', Array.from({ length: 11_000 }, (_, row) => ({ ...one, row })), attachmentLimits.exemplarsPerPush],
  ];
  it.each(cases)('%s', (_name, given, kept) => {
    const result = writableExemplars(given, given.length > 1000 ? 20_000 : 4);
    expect(result).toHaveLength(kept);
    expect(result[0]).toEqual(one);
  });

  it('are left out and counted rather than lose the scrape', async () => {
    const log = await world.open(new MemoryStore());
    const before = world.metrics.values.get('agent_lite_log_exemplars_dropped_total{}') ?? 0;
    await log.append(scrape(1, { exemplars: [{ ...one, row: 99 }, one] }));
    expect((await readAll(log)).scrapes.map(({ exemplars: read }) => read)).toEqual([[one]]);
    expect(world.metrics.values.get('agent_lite_log_exemplars_dropped_total{}')).toBe(before + 1);
    await log.close();
  });
});

describe('metadata in the log', () => {
  it('come back as they were given', async () => {
    await fc.assert(
      fc.asyncProperty(anyMetadata, async (metadata) => {
        const log = await world.open(new MemoryStore());
        await log.append(scrape(1, { metadata }));
        expect((await readAll(log)).scrapes[0]?.metadata).toEqual(metadata.length === 0 ? undefined : metadata);
        await log.close();
      }),
      { numRuns: 60 },
    );
  });

  it('belong to every later scrape of their target, in whatever segment, though each was told once', async () => {
    const log = await world.open(new MemoryStore(), { segmentBytes: 4096, limitBytes: 1 << 20 });
    const other = [family('other')];
    for (let n = 0; n < 60; n++) {
      await log.append(scrape(n, n === 0 ? { metadata: long } : {}, 'x:1'));
      await log.append(scrape(n, n === 20 ? { metadata: other } : {}, 'y:1'));
    }
    expect(log.status().segments).toBeGreaterThan(3);
    const { scrapes } = await readAll(log);
    scrapes.forEach(({ metadata }, i) => {
      expect(metadata).toEqual(i % 2 === 0 ? long : i > 40 ? other : undefined);
    });
    // The segments that had them first are gone.
    const middle = scrapes[80];
    if (middle === undefined) throw new Error('too few scrapes');
    await log.moveCursor('edge', middle);
    expect((await readAll(log, middle.position)).scrapes.map(({ metadata }) => metadata)).toEqual(
      scrapes.slice(81).map(({ metadata }) => metadata),
    );
    await log.close();
  });

  it('survive a restart with the scrapes that had them', async () => {
    const store = new MemoryStore();
    const first = await world.open(store);
    await first.append(scrape(1, { metadata: long }));
    await first.append(scrape(2));
    await first.close();
    const log = await world.open(store);
    await log.append(scrape(3));
    expect((await readAll(log)).scrapes.map(({ metadata }) => metadata)).toEqual([long, long, undefined]);
    await log.close();
  });

  it('cost once per segment, for any number of targets that have the same', async () => {
    const size = async (targets: number, metadata: readonly FamilyMetadata[] | undefined) => {
      const log = await world.open(new MemoryStore());
      for (let n = 0; n < 40; n++)
        await log.append(scrape(n, n < targets ? { metadata: metadata && [...metadata] } : {}, `t${n % targets}`));
      const { bytes } = log.status();
      await log.close();
      return bytes;
    };
    const without = await size(10, undefined);
    const once = (await size(1, long)) - (await size(1, undefined));
    const ten = (await size(10, long)) - without;
    expect(once).toBeLessThan(3000);
    expect(ten).toBeLessThan(once + 10 * 40);
  });

  it('that cannot be written are left out and counted; the scrape is not', async () => {
    const log = await world.open(new MemoryStore());
    for (const metadata of [[family('b'), family('a')], [family('a', 'x'.repeat(2000))], [family('')], [family('a', '\ud800')]]) {
      const before = world.metrics.values.get('agent_lite_log_metadata_dropped_total{}') ?? 0;
      await log.append(scrape(1, { metadata }));
      expect(world.metrics.values.get('agent_lite_log_metadata_dropped_total{}')).toBe(before + 1);
    }
    const { scrapes } = await readAll(log);
    expect(scrapes.map(({ metadata }) => metadata)).toEqual([undefined, undefined, undefined, undefined]);
    await log.close();
  });

  it('are missing where their record is damaged, and the samples are not', async () => {
    const store = new MemoryStore();
    const first = await world.open(store, { compression: { compress: (bytes) => bytes, decompress: (bytes) => bytes } });
    const written = [scrape(1, { metadata: [family('needle')] }), scrape(2)];
    for (const one of written) await first.append(one);
    await first.close();
    const [name] = (await store.list('wal')).map((file) => (typeof file === 'string' ? file : file.name));
    if (name === undefined) throw new Error('no segment');
    const bytes = await store.read('wal', name, 0, 1 << 20);
    const at = Buffer.from(bytes).indexOf('needle');
    expect(at).toBeGreaterThan(0);
    bytes[at] = 0x78;
    await store.remove('wal', name);
    await store.create('wal', name, Uint8Array.from(bytes), true);
    const log = await world.open(store);
    const { scrapes } = await readAll(log);
    expect(scrapes.map(plain)).toEqual(written.map((one) => plain({ ...one, metadata: undefined })));
    expect(log.status().counters.damaged).toBe(1);
    await log.close();
  });
});
