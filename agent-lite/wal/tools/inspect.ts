import { countSamples } from '../../../contract/cells.ts';
import { labelsKey } from '../../../contract/labels.ts';
import type { Chain, LogId, Position } from '../../../contract/push.ts';
import { REPORT_ROWS } from '../../../contract/report-series.ts';
import { rebuild } from '../../../contract/series-table.ts';
import type { LoggedScrape, StreamCursor } from '../../model.ts';
import { readAside } from './aside.ts';
import { isKept } from './copies.ts';
import { findLog, type Place, type ToolOptions } from './find.ts';
import { walkLog } from './walk.ts';

/** Times are wall times of the device, ms, as they were logged; undefined: no scrape. */
export interface Extent {
  readonly scrapes: number;
  readonly samples: number;
  readonly oldestMs: number | undefined;
  readonly newestMs: number | undefined;
}

export interface SegmentReport extends Extent {
  readonly file: string;
  readonly bytes: number;
  readonly logId: LogId;
  readonly first: Position;
  readonly last: Position;
  /** All that can be read, scrapes included. */
  readonly records: number;
}

export interface CursorReport {
  readonly receiver: string;
  readonly position: Position;
  readonly chain: Chain;
  /**
   * `known`: its record is here and has its chain. `removed`: before the first record, or at one that is gone. `beyond`: behind the
   * last one, as after a power cut. `foreign`: the record here has another chain, so the edge will be asked what it has.
   */
  readonly state: 'known' | 'removed' | 'beyond' | 'foreign';
  readonly streams: readonly StreamCursor[];
  /** What it has not acknowledged, of the slowest stream. */
  readonly waiting: Extent;
}

export interface DamageReport extends Place {
  /** A copy lies in set-aside/. */
  readonly setAside: boolean;
}

export interface Report {
  readonly logId: LogId | undefined;
  readonly reservedThrough: Position | undefined;
  readonly segments: readonly SegmentReport[];
  readonly total: Extent & { readonly bytes: number; readonly records: number; readonly targets: number; readonly series: number };
  readonly cursors: readonly CursorReport[];
  readonly setAside: readonly {
    readonly file: string;
    readonly bytes: number;
    readonly scrapes: number;
    readonly reason: string | undefined;
    readonly atMs: number | undefined;
  }[];
  readonly damage: readonly DamageReport[];
}

/** Reads the whole log and changes nothing. Memory: the series' labels. Rejects with `StoreError`. */
export async function inspectLog(options: ToolOptions): Promise<Report> {
  const found = await findLog(options);
  const places = [...found.places];
  const segments: (Counter & Pick<SegmentReport, 'file' | 'bytes' | 'logId' | 'first' | 'last'> & { records: number })[] = [];
  const total = new Counter();
  const series = new SeriesCount();
  const cursors = [...found.cursors.entries()].map(([receiver, streams]) => ({
    receiver,
    ...{ ...found.cursors.slowestPoint(receiver), streams, waiting: new Counter(), chainHere: undefined as Chain | undefined },
  }));
  for await (const item of walkLog(found, options)) {
    if (item.kind === 'damage') places.push(item.place);
    if (item.kind === 'segment') {
      const { name, logId, first, last } = item.segment;
      const bytes = found.sizes.get(name) ?? 0;
      segments.push(Object.assign(new Counter(), { file: `wal/${name}`, bytes, logId, first, last, records: 0 }));
    }
    if (item.kind !== 'record') continue;
    const segment = segments.at(-1);
    if (segment !== undefined) segment.records++;
    for (const cursor of cursors) if (cursor.position === item.frame.position) cursor.chainHere = item.frame.chain;
    if (item.scrape === undefined) continue;
    segment?.add(item.scrape);
    total.add(item.scrape);
    series.add(item.scrape);
    for (const cursor of cursors) if (item.scrape.position > cursor.position) cursor.waiting.add(item.scrape);
  }
  const setAside: Report['setAside'][number][] = [];
  for (const entry of found.setAside) {
    const aside = await readAside(entry, options);
    const { file, reason, wallMs } = aside ?? { file: `set-aside/${entry.name}`, reason: 'damaged', wallMs: undefined };
    setAside.push({ file, bytes: entry.bytes, scrapes: aside?.scrapes.length ?? 0, reason, atMs: wallMs });
  }
  const newest = segments.at(-1);
  const head = newest?.last ?? 0;
  return {
    logId: newest?.logId ?? found.reserved?.logId,
    reservedThrough: found.reserved?.through,
    segments: segments.map(({ file, bytes, logId, first, last, records, ...rest }) => ({
      ...{ file, bytes, logId, first, last, records },
      ...extent(rest),
    })),
    total: {
      ...extent(total),
      bytes: [...found.sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
      records: segments.reduce((sum, { records }) => sum + records, 0),
      targets: series.targets,
      series: series.size,
    },
    cursors: cursors.map(({ receiver, position, chain, streams, waiting, chainHere }) => {
      const gone = position > head ? 'beyond' : 'removed';
      const state = chainHere === undefined ? gone : chainHere === chain ? 'known' : 'foreign';
      return { receiver, position, chain, state, streams, waiting: extent(waiting) };
    }),
    setAside,
    damage: places.map((place) => ({ ...place, setAside: isKept(place, found.setAside) })),
  };
}

class Counter implements Extent {
  scrapes = 0;
  samples = 0;
  oldestMs: number | undefined;
  newestMs: number | undefined;

  add({ cells, report, wallMs }: LoggedScrape): void {
    this.scrapes++;
    this.samples += countSamples(report) + (cells === undefined ? 0 : countSamples(cells));
    this.oldestMs = Math.min(this.oldestMs ?? wallMs, wallMs);
    this.newestMs = Math.max(this.newestMs ?? wallMs, wallMs);
  }
}

const extent = ({ scrapes, samples, oldestMs, newestMs }: Extent): Extent => ({ scrapes, samples, oldestMs, newestMs });

/** Distinct label sets. */
class SeriesCount {
  readonly #tables = new Map<string, Set<string>>();
  readonly #series = new Set<string>();

  get targets(): number {
    return this.#tables.size;
  }
  get size(): number {
    return this.#series.size;
  }

  add({ target, table }: LoggedScrape): void {
    const key = labelsKey(target);
    const tables = this.#tables.get(key) ?? new Set();
    this.#tables.set(key, tables);
    const hash = table?.hash ?? '';
    if (tables.has(hash)) return;
    tables.add(hash);
    for (const row of [...(table?.rows ?? []), ...REPORT_ROWS]) this.#series.add(labelsKey(rebuild(row, target)));
  }
}
