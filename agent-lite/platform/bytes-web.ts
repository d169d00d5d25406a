/** What bytes.ts does on Node, with what pages and workers have. */

/** SHA-256, 32 bytes. Only secure contexts (https, localhost) have it. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

export const randomBytes = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count));

/** zlib format (RFC 1950). */
export function deflate(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return through(bytes, new CompressionStream('deflate'), Number.POSITIVE_INFINITY);
}

/** Of the records in the log. */
export const columnCompression = {
  compress: deflate,
  /** Rejects where the bytes are not zlib's or give more than `size` bytes. */
  decompress: (bytes: Uint8Array, size: number): Promise<Uint8Array> => through(bytes, new DecompressionStream('deflate'), size),
};

async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = stream.writable.getWriter();
  // What is wrong with the input is told by the side that is read, too.
  const written = Promise.all([writer.write(new Uint8Array(bytes)), writer.close()]).catch(() => undefined);
  const out = await readAll(stream.readable, maxBytes);
  await written;
  if (out === undefined) throw new RangeError(`expected at most ${maxBytes} bytes inflated, got more`);
  return out;
}

/** All bytes of a stream; undefined, and the stream is given up, where there are more than `maxBytes`. */
export async function readAll(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > maxBytes) {
      await reader.cancel().catch(() => undefined);
      return undefined;
    }
    chunks.push(value);
  }
  const all = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
