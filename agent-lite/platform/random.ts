import { closeSync, openSync, readSync } from 'node:fs';
import { nodeCrypto } from './node-http.ts';

const KERNEL = '/dev/urandom';

/** Bytes of the kernel's generator, by way of node:crypto where there is no file of them: that one takes 2 MB to load. */
export function randomBytes(count: number, file = KERNEL): Uint8Array<ArrayBuffer> {
  return readFrom(file, count) ?? new Uint8Array(nodeCrypto().randomBytes(count));
}

function readFrom(file: string, count: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(count);
  try {
    const open = openSync(file, 'r');
    try {
      return readSync(open, bytes) === count ? bytes : undefined;
    } finally {
      closeSync(open);
    }
  } catch {
    return undefined;
  }
}
