import type { Cells } from '../../contract/cells.ts';
import type { UndecodedPush } from '../../contract/decode-push.ts';
import type { UndecodedTargetBatch } from '../../contract/decode-push-target.ts';
import type { PushExemplar } from '../../contract/exemplar-codec.ts';
import { labelsKey } from '../../contract/labels.ts';
import { likeRows, likeRowsOf } from '../../contract/like-rows.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { REPORT_ROWS } from '../../contract/report-series.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Row, TableHash } from '../../contract/series-table.ts';
import type { Outgoing } from '../config/types.ts';
import type { Identity } from '../model.ts';
import type { Batch } from './assemble.ts';
import type { SeriesRules } from './labels.ts';
import { MaskCheck } from './masks.ts';
import type { Reservation } from './memory-budget.ts';
import { keptFamilies } from './metadata.ts';
import { type Reply, refusing, take, tooLarge } from './reply.ts';
import type { SeriesCache, SeriesEntry } from './series-cache.ts';
import type { LoadedTable } from './tables.ts';
import type { Template } from './template.ts';

/** Of a decoded cell: its bits and its state. */
const CELL_BYTES = 9;
/** Of a byte of inline rows: the shortest label takes two and some hundred as an object. */
const INLINE_MEMORY = 60;

export interface Decoded {
  readonly batches: readonly Batch[];
  /** What receivers are to be told of metric families. */
  readonly metadata: readonly FamilyMetadata[];
  /** What the push leaves out is dropped by the rules. */
  readonly masks: MaskCheck;
}

export interface DecodeDeps {
  readonly outgoing: Outgoing;
  readonly rules: SeriesRules;
  readonly series: SeriesCache;
  /** Whether devices may leave out what the rules drop. */
  readonly dropPushDown: boolean;
}

type Exemplars = ReadonlyMap<number, readonly PushExemplar[]>;
const NO_EXEMPLARS: Exemplars = new Map();

/**
 * Decodes the cells of each target, finds the labels of its series, and reads what receivers want beside them. A target's
 * own rows come before its report rows.
 */
export function decodeBatches(
  push: UndecodedPush,
  tables: ReadonlyMap<TableHash, LoadedTable>,
  identity: Identity,
  { rules, series, outgoing, dropPushDown }: DecodeDeps,
  memory: Reservation,
): Result<Decoded, Reply> {
  const batches: Batch[] = [];
  const metadata: FamilyMetadata[] = [];
  const owners = new Map<string, number>();
  const counted = new Set<Template>();
  const masks = new MaskCheck(dropPushDown);
  const add = (
    table: string,
    rows: readonly Row[],
    target: UndecodedTargetBatch,
    owner: number,
    decode: () => Cells,
    decodeExemplars: () => Result<Exemplars, Reply>,
  ): Result<SeriesEntry, Reply> => {
    const room = take(memory, rows.length * target.times.length * CELL_BYTES);
    if (!room.ok) return room;
    const cells = refusing(decode);
    if (!cells.ok) return cells;
    const exemplars = decodeExemplars();
    if (!exemplars.ok) return exemplars;
    const entry = series.entry(table, rows, target.labels, push.externalLabels, identity, rules);
    if (!entry.ok) return err(tooLarge('shorter labels or fewer series in one target'));
    // Templates of one push are held at once, in the cache or not.
    const { template } = entry.value;
    const held = counted.has(template) ? ok(undefined) : take(memory, template.bytes);
    if (!held.ok) return held;
    counted.add(template);
    batches.push({ owner, times: target.times, cells: cells.value, entry: entry.value, exemplars: exemplars.value });
    return entry;
  };
  for (const [index, target] of push.targets.entries()) {
    const key = labelsKey(target.labels);
    const owner = owners.get(key) ?? owners.size * 2;
    owners.set(key, owner);
    const table = target.table === undefined ? undefined : tables.get(target.table);
    if (target.inlineForm.length > 0) {
      const room = take(memory, INLINE_MEMORY * target.inlineForm.length);
      if (!room.ok) return room;
      const read = refusing(() => target.decodeInline());
      if (!read.ok) return read;
      const rows = read.value;
      const exemplars = outgoing.sendExemplars ? () => readExemplars(target, rows.length, memory) : () => ok(NO_EXEMPLARS);
      // Named by all their bytes: a hash that is made in a moment could be made equal.
      const added = add(
        `+${latin1(target.inlineForm)}`,
        rows,
        target,
        owner,
        () => target.decodeCells(rows.length, likeRows(rows)),
        exemplars,
      );
      if (!added.ok) return added;
    }
    let entry: SeriesEntry | undefined;
    if (target.table !== undefined && table !== undefined) {
      const rows = table.rows.length;
      const exemplars = outgoing.sendExemplars ? () => readExemplars(target, rows, memory) : () => ok(NO_EXEMPLARS);
      const added = add(target.table, table.rows, target, owner, () => target.decodeCells(rows, likeRowsOf(table)), exemplars);
      if (!added.ok) return added;
      entry = added.value;
      masks.check(index, target, entry);
    }
    const added = add(
      ...(['report', REPORT_ROWS, target, owner + 1] as const),
      () => target.report,
      () => ok(NO_EXEMPLARS),
    );
    if (!added.ok) return added;
    if (!outgoing.sendMetadata || target.metadataMemory === 0) continue;
    const room = take(memory, target.metadataMemory);
    if (!room.ok) return room;
    const families = refusing(() => target.decodeMetadata());
    if (!families.ok) return families;
    metadata.push(...(entry === undefined ? families.value : keptFamilies(families.value, table?.rows ?? [], entry)));
  }
  if (masks.wrong) return err({ code: 'wrong_mask', message: 'push: rows are left out that are not dropped', masks: masks.masks() });
  return ok({ batches, metadata, masks });
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function readExemplars(target: UndecodedTargetBatch, rows: number, memory: Reservation): Result<Exemplars, Reply> {
  if (target.exemplarMemory === 0) return ok(NO_EXEMPLARS);
  const room = take(memory, target.exemplarMemory);
  if (!room.ok) return room;
  const exemplars = refusing(() => target.decodeExemplars(rows));
  if (!exemplars.ok) return exemplars;
  const byRow = new Map<number, PushExemplar[]>();
  for (const exemplar of exemplars.value) {
    const ofRow = byRow.get(exemplar.row);
    if (ofRow === undefined) byRow.set(exemplar.row, [exemplar]);
    else ofRow.push(exemplar);
  }
  return ok(byRow);
}
