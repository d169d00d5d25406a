/**
 * Of what parts the labels of a series that goes out consist: bytes of its own, bytes that a series before it in the request has too, and
 * labels that are put in. One part is 32 bits:
 *
 * | bits | |
 * |---|---|
 * | 24 to 31 | how many series back it stands too; 0: nowhere |
 * | 20 to 23 | labels put in before it: of a label that is put in itself its number, of others those before the bytes in that other series |
 * | 10 to 19 | where the bytes start in that other series' labels as they came |
 * | 0 to 9 | their number; 0: a label that is put in |
 *
 * Copies count in series and not in bytes: labels stay as they are from request to request, samples do not.
 */

export const MAX_BACK = 0xff;
export const MAX_INSERTS = 0xf;
/** Of an offset and of a length. */
export const MAX_BYTES = 0x3ff;

export const part = (back: number, inserts: number, offset: number, length: number): number =>
  ((back << 24) | (inserts << 20) | (offset << 10) | length) >>> 0;
export const backOf = (packed: number): number => packed >>> 24;
export const insertsOf = (packed: number): number => (packed >>> 20) & MAX_INSERTS;
export const offsetOf = (packed: number): number => (packed >>> 10) & MAX_BYTES;
export const lengthOf = (packed: number): number => packed & MAX_BYTES;

/** A longer list gives its memory back. */
const KEPT_PARTS = 64 * 1024;

/** Parts of series, one after the other. */
export class PartList {
  parts = new Uint32Array(1024);
  count = 0;

  clear(): void {
    if (this.parts.length > KEPT_PARTS) this.parts = new Uint32Array(KEPT_PARTS);
    this.count = 0;
  }

  add(packed: number): void {
    if (this.count === this.parts.length) {
      const grown = new Uint32Array(2 * this.count);
      grown.set(this.parts);
      this.parts = grown;
    }
    this.parts[this.count++] = packed;
  }
}
