import { createHash } from 'node:crypto';
import { deflateSync, inflateSync, deflate as zlibDeflate } from 'node:zlib';

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** Below this a deflate takes less time than handing it to another thread, and less memory. */
const SYNC_BYTES = 64 * 1024;

/** zlib format (RFC 1950), level 6: 9 gains under 0.3 % on columns. Long inputs on libuv's pool, so scrapes go on meanwhile. */
export async function deflate(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length <= SYNC_BYTES) return new Uint8Array(deflateSync(bytes));
  return new Promise((resolve, reject) => {
    zlibDeflate(bytes, (error, out) => (error === null ? resolve(new Uint8Array(out)) : reject(error)));
  });
}

/** Of the records in the log. */
export const columnCompression = {
  compress: deflate,
  /** Throws where the bytes are not zlib's or give more than `size` bytes. */
  decompress: (bytes: Uint8Array, size: number): Uint8Array => new Uint8Array(inflateSync(bytes, { maxOutputLength: Math.max(1, size) })),
};
