import { countSamples, NO_CELLS } from '../../contract/cells.ts';
import { exemplarBytes } from '../../contract/exemplar-codec.ts';
import { type Labels, labelsKey, utf8Length } from '../../contract/labels.ts';
import { attachmentLimits, type WireLimits, wireLimits } from '../../contract/limits.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { GAPS_PER_PUSH, type Gap, type GapReason, type Point, type Position } from '../../contract/push.ts';
import type { SeriesTable, TableHash } from '../../contract/series-table.ts';
import type { LogEntry, LoggedScrape } from '../model.ts';
import type { Placement } from './clock-correction.ts';
import type { MetadataDue } from './sent-metadata.ts';
import type { TableUse } from './sent-tables.ts';
import { checkCells, type Group, mergeGroups, type PendingTarget, toTargetBatch } from './target-batches.ts';

/** Records of the log, ready to be pushed: what follows the cursor, as much as fits. */
export interface Batch {
  /** The last record taken in. */
  readonly to: Point;
  readonly gaps: readonly Gap[];
  readonly targets: readonly PendingTarget[];
  readonly tables: ReadonlyMap<TableHash, SeriesTable>;
  /** Records taken in, those set aside and dropped included; 0 also where a stream ends with a gap. */
  readonly records: number;
  readonly cells: number;
  readonly samples: number;
  /** Scrapes whose time is not after one that was sent for their target. */
  readonly dropped: number;
  /** Newly found ranges that cannot be placed in time; to be kept aside before this batch is sent. */
  readonly unplaceable: readonly { readonly from: Position; readonly to: Position; readonly reason: string }[];
  /** By {@link labelsKey} of the target: the last time in this batch, ms. */
  readonly lastTimes: ReadonlyMap<string, number>;
  /** By {@link labelsKey} of the target: the {@link MetadataDue.key} of the metadata in this batch. */
  readonly metadata: ReadonlyMap<string, string>;
  /** By {@link labelsKey} of the target: the tables behind its cells. */
  readonly tableUses: ReadonlyMap<string, TableUse>;
  /** More was in the stream than fitted. */
  readonly more: boolean;
}

export interface BatchRules {
  /** Cells (rows x scrapes); the first record is taken in whatever its size. */
  readonly maxCells: number;
  /** Records, whatever their size. */
  readonly maxRecords: number;
  /** Where the stream ends; undefined: with the log. */
  readonly end: Point | undefined;
  readonly limits?: WireLimits;
  place(scrape: LoggedScrape): Placement;
  /** The last time sent for a target, ms. */
  lastTime(targetKey: string): number | undefined;
  /** Undefined where the edge has these metadata of the target. */
  metadataDue(targetKey: string, families: readonly FamilyMetadata[]): MetadataDue | undefined;
  /** The table to send a target's scrapes over, where that is not their own; `tables`: theirs, in order. */
  tableBase?(targetKey: string, tables: readonly SeriesTable[]): SeriesTable | undefined;
  /** Kept aside before, and to be declared a gap. */
  isAside(position: Position): boolean;
}

/** Bytes of all target labels of a push: bounds its size together with the cells. */
const MAX_LABEL_BYTES = 4 * 1024 * 1024;

/**
 * Reads entries until the batch is full. Holds the cells of one batch, whatever the backlog. Scrapes of one target with one
 * table become one {@link PendingTarget}; where a target's table changes a new one begins, so that each target's entries are in
 * order of time. undefined: nothing there to be sent.
 */
export async function collectBatch(entries: AsyncIterable<LogEntry>, base: Position, rules: BatchRules): Promise<Batch | undefined> {
  const builder = new BatchBuilder(base, rules);
  let more = false;
  for await (const entry of entries) {
    if (rules.end !== undefined && firstOf(entry) > rules.end.position) break;
    if (entry.kind === 'gap') {
      builder.gap(entry.gap.from, entry.gap.to, entry.gap.reason);
      continue;
    }
    if (!builder.fits(entry.scrape)) {
      more = true;
      break;
    }
    builder.scrape(entry.scrape);
  }
  return builder.build(more);
}

const firstOf = (entry: LogEntry): Position => (entry.kind === 'gap' ? entry.gap.from : entry.scrape.position);

class BatchBuilder {
  readonly #base: Position;
  readonly #rules: BatchRules;
  readonly #limits: WireLimits;
  readonly #groups: Group[] = [];
  /** The group that a target's next scrape may join. */
  readonly #open = new Map<string, Group>();
  readonly #lastTimes = new Map<string, number>();
  readonly #gaps: { from: Position; to: Position; reason: GapReason }[] = [];
  readonly #unplaceable: { from: Position; to: Position; reason: string }[] = [];
  /** Gaps behind the last record wait for what is after them: only a record, and the stream's end, has a chain to end the batch with. */
  #waiting: Gap[] = [];
  #to: Point | undefined;
  #records = 0;
  #cells = 0;
  #samples = 0;
  #labelBytes = 0;
  #exemplars = 0;
  #exemplarBytes = 0;
  #dropped = 0;

  constructor(base: Position, rules: BatchRules) {
    this.#base = base;
    this.#rules = rules;
    this.#limits = rules.limits ?? wireLimits;
  }

  fits(scrape: LoggedScrape): boolean {
    const { maxCells, maxRecords } = this.#rules;
    return (
      this.#records === 0 ||
      (this.#records < maxRecords &&
        this.#cells + cellsOf(scrape) <= Math.min(maxCells, this.#limits.cellsPerPush) &&
        // A group may become two entries.
        2 * this.#groups.length < this.#limits.targetsPerPush &&
        this.#labelBytes + labelBytes(scrape.target) <= MAX_LABEL_BYTES &&
        this.#exemplars + scrape.exemplars.length <= attachmentLimits.exemplarsPerPush &&
        this.#exemplarBytes + bytesOfExemplars(scrape) <= attachmentLimits.exemplarBytesPerPush &&
        this.#gaps.length + this.#waiting.length < GAPS_PER_PUSH - 1)
    );
  }

  gap(from: Position, to: Position, reason: GapReason): void {
    const start = Math.max(from, this.#base + 1);
    const last = Math.min(to, this.#rules.end?.position ?? to);
    if (last >= start) this.#waiting.push({ from: start, to: last, reason });
  }

  scrape(scrape: LoggedScrape): void {
    this.#declareWaiting();
    this.#records++;
    this.#to = { position: scrape.position, chain: scrape.chain };
    if (this.#rules.isAside(scrape.position)) {
      this.#declare(scrape.position, scrape.position, 'set_aside');
      return;
    }
    const placed = this.#rules.place(scrape);
    if (!placed.ok) {
      this.#declare(scrape.position, scrape.position, 'set_aside');
      this.#keep(scrape.position, placed.reason);
      return;
    }
    const key = labelsKey(scrape.target);
    const last = this.#lastTimes.get(key) ?? this.#rules.lastTime(key);
    if (last !== undefined && placed.ms <= last) {
      this.#dropped++;
      return;
    }
    checkCells(scrape);
    this.#lastTimes.set(key, placed.ms);
    this.#samples += countSamples(scrape.report) + countSamples(scrape.cells ?? NO_CELLS);
    this.#cells += cellsOf(scrape);
    this.#exemplars += scrape.exemplars.length;
    this.#exemplarBytes += bytesOfExemplars(scrape);
    const group = this.#group(key, scrape);
    group.times.push(placed.ms);
    group.scrapes.push(scrape);
  }

  build(more: boolean): Batch | undefined {
    if (!more && this.#rules.end !== undefined) {
      this.#declareWaiting();
      this.#to = this.#rules.end;
    }
    if (this.#to === undefined) return undefined;
    const due = this.#metadataDue();
    const { targets, tables, tableUses } = this.#targets(due);
    return {
      to: this.#to,
      gaps: this.#gaps,
      targets,
      tables,
      records: this.#records,
      cells: this.#cells,
      samples: this.#samples,
      dropped: this.#dropped,
      unplaceable: this.#unplaceable,
      lastTimes: this.#lastTimes,
      tableUses,
      metadata: new Map([...due].map(([key, { key: content }]) => [key, content])),
      more,
    };
  }

  /** Groups as they are, or, where a target's table has changed, over one that the edge has. */
  #targets(due: ReadonlyMap<string, MetadataDue>) {
    const targets: PendingTarget[] = [];
    const tables = new Map<TableHash, SeriesTable>();
    const tableUses = new Map<string, TableUse>();
    const byTarget = new Map<string, Group[]>();
    for (const group of this.#groups) {
      const groups = byTarget.get(group.key);
      if (groups === undefined) byTarget.set(group.key, [group]);
      else groups.push(group);
    }
    for (const [key, groups] of byTarget) {
      const families = due.get(key)?.families ?? [];
      const own = groups.flatMap(({ table }) => table ?? []);
      const last = own.at(-1);
      const base = own.length === groups.length ? this.#rules.tableBase?.(key, own) : undefined;
      const scrapes = groups.reduce((sum, { times }) => sum + times.length, 0);
      const merged = base && scrapes <= this.#limits.scrapesPerTarget ? mergeGroups(groups, base, families) : undefined;
      if (base !== undefined && merged !== undefined && last !== undefined) {
        tables.set(base.hash, base);
        tableUses.set(key, { base, table: last, inline: merged[1]?.inline?.length ?? 0 });
        targets.push(...merged);
        continue;
      }
      for (const table of own) tables.set(table.hash, table);
      if (last !== undefined) tableUses.set(key, { base: last, table: last, inline: 0 });
      targets.push(...groups.map((group) => toTargetBatch(group, this.#open.get(key) === group ? families : [])));
    }
    return { targets, tables, tableUses };
  }

  /** By target: the newest metadata of its scrapes, where the edge lacks them. What has no room here goes with a later push. */
  #metadataDue(): ReadonlyMap<string, MetadataDue> {
    const { familiesPerPush, metadataBytesPerPush } = attachmentLimits;
    const chosen = new Map<string, MetadataDue>();
    let families = 0;
    let bytes = 0;
    for (const [key, { scrapes }] of this.#open) {
      const newest = scrapes.at(-1)?.metadata;
      const due = newest && this.#rules.metadataDue(key, newest);
      if (due === undefined || families + due.families.length > familiesPerPush || bytes + due.bytes > metadataBytesPerPush) continue;
      families += due.families.length;
      bytes += due.bytes;
      chosen.set(key, due);
    }
    return chosen;
  }

  #group(key: string, scrape: LoggedScrape): Group {
    const open = this.#open.get(key);
    if (open !== undefined && open.table?.hash === scrape.table?.hash && open.times.length < this.#limits.scrapesPerTarget) return open;
    const group: Group = { key, labels: scrape.target, table: scrape.table, times: [], scrapes: [] };
    this.#groups.push(group);
    this.#open.set(key, group);
    this.#labelBytes += labelBytes(scrape.target);
    return group;
  }

  #declareWaiting(): void {
    for (const { from, to, reason } of this.#waiting) this.#declare(from, to, reason);
    this.#waiting = [];
  }

  #declare(from: Position, to: Position, reason: GapReason): void {
    const last = this.#gaps.at(-1);
    if (last !== undefined && last.reason === reason && last.to === from - 1) last.to = to;
    else this.#gaps.push({ from, to, reason });
  }

  #keep(position: Position, reason: string): void {
    const last = this.#unplaceable.at(-1);
    if (last !== undefined && last.to === position - 1) last.to = position;
    else this.#unplaceable.push({ from: position, to: position, reason });
  }
}

const cellsOf = (scrape: LoggedScrape): number => scrape.report.rows + (scrape.cells?.rows ?? 0);

function labelBytes(labels: Labels): number {
  let bytes = 0;
  for (const [name, value] of labels) bytes += utf8Length(name) + utf8Length(value) + 8;
  return bytes;
}

function bytesOfExemplars({ exemplars }: LoggedScrape): number {
  let bytes = 0;
  for (const exemplar of exemplars) bytes += exemplarBytes(exemplar);
  return bytes;
}
