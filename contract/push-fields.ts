import { FormatError } from './binary.ts';
import { toHex } from './series-table.ts';

/** Fields of the push protocol's messages as values. Both throw {@link FormatError} with the place. */

export function integer(value: number | undefined, place: string): number {
  const number = value ?? 0;
  if (!Number.isSafeInteger(number)) throw new FormatError(`${place}: expected an integer within 2^53`);
  return number;
}

export function hex(bytes: Uint8Array, length: number, place: string): string {
  if (bytes.length !== length) throw new FormatError(`${place}: expected ${length} bytes, got ${bytes.length}`);
  return toHex(bytes);
}
