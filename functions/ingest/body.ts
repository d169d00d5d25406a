import { inflateSync } from 'node:zlib';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Reservation } from './memory-budget.ts';

export type BodyFailure =
  /** More bytes than allowed; declared or counted. */
  | 'too_large'
  /** The isolate has no memory for it now. */
  | 'busy'
  /** The sender went away, or sent something that is not deflated. */
  | 'malformed';

/** Reads a body of at most `limit` bytes. What it declares is checked before anything is read, what comes is counted. */
export async function readBody(
  request: Pick<Request, 'headers' | 'body'>,
  limit: number,
  memory: Reservation,
): Promise<Result<Uint8Array<ArrayBuffer>, BodyFailure>> {
  const { body } = request;
  if (body === null) return ok(new Uint8Array(0));
  const refuse = async (failure: BodyFailure): Promise<Result<never, BodyFailure>> => {
    // An unread body would hold the connection. Its errors tell nothing more.
    await body.cancel().catch(() => {});
    return err(failure);
  };
  const declared = declaredLength(request.headers);
  if (declared > limit) return refuse('too_large');
  const taken = memory.grow(declared);
  if (taken !== 'taken') return refuse(taken === 'busy' ? 'busy' : 'too_large');

  const reader = body.getReader();
  const abandon = async (failure: BodyFailure): Promise<Result<never, BodyFailure>> => {
    await reader.cancel().catch(() => {});
    return err(failure);
  };
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    let next: Awaited<ReturnType<typeof reader.read>>;
    try {
      next = await reader.read();
    } catch {
      return err('malformed');
    }
    if (next.done) break;
    const before = length;
    length += next.value.length;
    if (length > limit) return abandon('too_large');
    // Without a declared length, or beyond it, memory is taken as the bytes come.
    const more = length > declared ? memory.grow(length - Math.max(before, declared)) : 'taken';
    if (more !== 'taken') return abandon(more === 'busy' ? 'busy' : 'too_large');
    chunks.push(next.value);
  }
  return ok(join(chunks, length));
}

function declaredLength(headers: Headers): number {
  const text = headers.get('content-length') ?? '';
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
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
