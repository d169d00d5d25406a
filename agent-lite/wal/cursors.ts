import { NO_CHAIN, type Point, type Position } from '../../contract/push.ts';
import { decodeSmallFile, encodeSmallFile, isPosition, isRecord } from './small-file.ts';

export const CURSORS_FILE = 'cursors.json';
const FORMAT = 1;
const START: Point = { position: 0, chain: NO_CHAIN };

/** How far each receiver has acknowledged. Kept in one file; where that is torn or gone, everything in the log is sent again. */
export class Cursors {
  #points = new Map<string, Point>();

  /** Returns false where there are bytes that cannot be read. */
  load(bytes: Uint8Array | undefined): boolean {
    this.#points = new Map();
    if (bytes === undefined) return true;
    const value = decodeSmallFile(bytes);
    if (!isRecord(value) || value['format'] !== FORMAT || !Array.isArray(value['cursors'])) return false;
    for (const entry of value['cursors'] as unknown[]) {
      if (!isRecord(entry)) return false;
      const { receiver, position, chain } = entry;
      if (typeof receiver !== 'string' || !isPosition(position) || typeof chain !== 'string' || !/^[0-9a-f]{16}$/.test(chain)) return false;
      this.#points.set(receiver, { position, chain });
    }
    return true;
  }

  encode(): Uint8Array<ArrayBuffer> {
    const cursors = [...this.#points].map(([receiver, point]) => ({ receiver, position: point.position, chain: point.chain }));
    return encodeSmallFile({ format: FORMAT, cursors });
  }

  get(receiver: string): Point {
    return this.#points.get(receiver) ?? START;
  }

  set(receiver: string, to: Point): void {
    this.#points.set(receiver, to);
  }

  /** Forgets the others, and says which. */
  retain(receivers: readonly string[]): readonly string[] {
    const dropped = [...this.#points.keys()].filter((receiver) => !receivers.includes(receiver));
    for (const receiver of dropped) this.#points.delete(receiver);
    return dropped;
  }

  /** Gives each that has none a cursor at the log's beginning, and says whether there was one such. */
  begin(receivers: readonly string[]): boolean {
    const missing = receivers.filter((receiver) => !this.#points.has(receiver));
    for (const receiver of missing) this.#points.set(receiver, START);
    return missing.length > 0;
  }

  entries(): Iterable<readonly [receiver: string, point: Point]> {
    return this.#points;
  }

  get size(): number {
    return this.#points.size;
  }

  /** What every receiver has acknowledged; undefined without receivers. */
  slowest(): Position | undefined {
    let least: Position | undefined;
    for (const { position } of this.#points.values()) if (least === undefined || position < least) least = position;
    return least;
  }

  furthest(): Point {
    let most = START;
    for (const point of this.#points.values()) if (point.position > most.position) most = point;
    return most;
  }
}
