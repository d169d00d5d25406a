import { inflateSync } from 'node:zlib';
import { wireLimits } from '../../contract/limits.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Reservation } from './memory-budget.ts';

export type BodyFailure =
  /** More bytes than allowed; declared or counted. */
  | 'too_large'
  /** The isolate has no memory for it now. */
  | 'busy'
  /** The sender went away, or sent something that is not deflated. */
  | 'malformed';

/**
 * What is refused is read up to here and dropped: many senders look at the answer only after they have sent everything, and
 * take a connection that closes before for a failure of the network.
 */
const DRAINED_BYTES = 2 * wireLimits.pushBytes;

/** Reads a body of at most `limit` bytes. What it declares is checked before anything is kept, what comes is counted. */
export async function readBody(
  request: Pick<Request, 'headers' | 'body'>,
  limit: number,
  memory: Reservation,
): Promise<Result<Uint8Array<ArrayBuffer>, BodyFailure>> {
  if (request.body === null) return ok(new Uint8Array(0));
  const declared = declaredLength(request.headers);
  let failure: BodyFailure | undefined = declared > limit ? 'too_large' : grow(memory, declared);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  if (failure === undefined && declared >= MANY_READS) {
    const first = await readAtOnce(request.body, declared);
    if (first === 'failed') return err('malformed');
    chunks.push(first);
    length = first.length;
  }
  const reader = request.body.getReader();
  for (;;) {
    let next: Awaited<ReturnType<typeof reader.read>>;
    try {
      if (failure !== undefined && Math.max(length, declared) > DRAINED_BYTES) {
        await reader.cancel();
        break;
      }
      next = await reader.read();
    } catch {
      // Its errors tell nothing more.
      return err(failure ?? 'malformed');
    }
    if (next.done) break;
    const before = length;
    length += next.value.length;
    if (failure !== undefined) continue;
    // Without a declared length, or beyond it, memory is taken as the bytes come.
    if (length > limit) failure = 'too_large';
    else if (length > declared) failure = grow(memory, length - Math.max(before, declared));
    if (failure === undefined) chunks.push(next.value);
    else chunks.length = 0;
  }
  return failure === undefined ? ok(join(chunks, length)) : err(failure);
}

/** Bodies come in pieces of 4 kB, each of which costs a turn of the event loop where nobody asks for more. */
const MANY_READS = 8192;

/** https://streams.spec.whatwg.org/#byob-reader-class-definition; `min` is not in everybody's types. */
interface ByobReader {
  read(
    view: Uint8Array<ArrayBuffer>,
    options: { readonly min: number },
  ): Promise<{ readonly done: boolean; readonly value: Uint8Array<ArrayBuffer> | undefined }>;
  releaseLock(): void;
}
/** Throws where the stream is none of bytes. */
const byobReader = (body: NonNullable<Request['body']>): ByobReader => body.getReader({ mode: 'byob' }) as unknown as ByobReader;

/** As many bytes as are declared, or all where there are fewer. None where the platform does not give this stream's bytes like that. */
async function readAtOnce(body: NonNullable<Request['body']>, declared: number): Promise<Uint8Array<ArrayBuffer> | 'failed'> {
  let reader: ByobReader;
  try {
    reader = byobReader(body);
  } catch {
    return new Uint8Array(0);
  }
  try {
    const { value } = await reader.read(new Uint8Array(declared), { min: declared });
    return value ?? new Uint8Array(0);
  } catch {
    return 'failed';
  } finally {
    reader.releaseLock();
  }
}

function grow(memory: Reservation, bytes: number): BodyFailure | undefined {
  const taken = memory.grow(bytes);
  if (taken === 'taken') return undefined;
  return taken === 'busy' ? 'busy' : 'too_large';
}

function declaredLength(headers: Headers): number {
  const text = headers.get('content-length') ?? '';
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

function join(chunks: readonly Uint8Array<ArrayBuffer>[], length: number): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (first?.length === length) return first;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Inflates zlib data to at most `limit` bytes; a body that would become more is given up at the limit. */
export function inflate(body: Uint8Array, limit: number): Result<Uint8Array<ArrayBuffer>, 'too_large' | 'malformed'> {
  try {
    const bytes = inflateSync(body, { maxOutputLength: limit });
    return ok(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    // What Node and workerd throw at the bound has neither message nor code in common, only its class.
    return err(error instanceof RangeError ? 'too_large' : 'malformed');
  }
}
