import { inflateSync } from 'node:zlib';

/** The contents of zlib data; undefined where it is none. */
export function inflateLoosely(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(inflateSync(bytes, { maxOutputLength: 4 * 1024 * 1024 }));
  } catch {
    return undefined;
  }
}
