import { compactTable } from '../../contract/compact-table.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import type { SeriesTable, TableHash } from '../../contract/series-table.ts';
import type { MetadataLines } from './metadata-lines.ts';
import { ScrapeMemory } from './scrape-memory.ts';
import type { SeriesId } from './series.ts';
import { type Shape, sameShape } from './text-shape.ts';

/**
 * What the targets of one agent have in common: a hundred gateways of one make expose the same series under the same help, and all
 * of that is held once. Only as long as a target holds it.
 */
export class SharedShapes {
  /** Not what is equal, but what one needs after the other. */
  readonly memory = new ScrapeMemory();
  readonly #series = new WeakPool<Shape<SeriesId>>(
    ({ hash }) => hash,
    (a, b) => sameShape(a, b, (x, y) => x === y),
  );
  readonly #metadata = new WeakPool<MetadataLines>(({ shape }) => shape.hash, sameLines);
  readonly #tables = new WeakPool<SeriesTable>(
    ({ hash }) => hash,
    (a, b) => a.hash === b.hash,
  );

  series(shape: Shape<SeriesId>): Shape<SeriesId> {
    return this.#series.share(shape);
  }

  metadata(lines: MetadataLines): MetadataLines {
    return this.#metadata.share(lines);
  }

  /** The rows of the table are let go. */
  table(table: SeriesTable): SeriesTable {
    return this.#tables.share(compactTable(table.hash, table.bytes));
  }
}

function sameLines(a: MetadataLines, b: MetadataLines): boolean {
  return sameShape(a.shape, b.shape, (x, y) => x.family === y.family && x.of === y.of && x.cut === y.cut) && sameFamilies(a.given, b.given);
}

const sameFamilies = (a: readonly FamilyMetadata[], b: readonly FamilyMetadata[]): boolean =>
  a.length === b.length &&
  a.every(({ family, type, help, unit }, i) => {
    const other = b[i];
    return other?.family === family && other.type === type && other.help === help && other.unit === unit;
  });

/** Equal things become one. Keeps none of them alive. */
class WeakPool<T extends object> {
  readonly #keyOf: (thing: T) => number | TableHash;
  readonly #same: (a: T, b: T) => boolean;
  readonly #things = new Map<number | TableHash, WeakRef<T>>();
  #sweepAt = 64;

  constructor(keyOf: (thing: T) => number | TableHash, same: (a: T, b: T) => boolean) {
    this.#keyOf = keyOf;
    this.#same = same;
  }

  /** `thing`, or what equals it and was there before. */
  share(thing: T): T {
    const key = this.#keyOf(thing);
    const known = this.#things.get(key)?.deref();
    if (known !== undefined && (known === thing || this.#same(known, thing))) return known;
    this.#things.set(key, new WeakRef(thing));
    if (this.#things.size >= this.#sweepAt) this.#sweep();
    return thing;
  }

  #sweep(): void {
    for (const [key, ref] of this.#things) if (ref.deref() === undefined) this.#things.delete(key);
    this.#sweepAt = Math.max(64, this.#things.size * 2);
  }
}
