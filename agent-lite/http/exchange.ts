import type { ClientRequest, IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Ending } from '../ending.ts';
import { HttpError, type HttpResponse, type Signal } from '../model.ts';
import { tooLarge } from './response-reader.ts';
import { tlsMessage } from './tls.ts';

/** The kept connection was closed by the other side before it answered a single byte, or says nothing: the request may be sent anew. */
export class StaleConnection extends Error {
  override name = 'StaleConnection';
}

/**
 * Sends one request and reads its answer. Rejects with {@link HttpError} or {@link StaleConnection}.
 * @param maxBytes of the body after decompression; 0: no limit
 * @param signal its reason, an HttpError, becomes the failure
 * @param suspect resolves when a kept connection has been silent for so long that it is taken for dead; absent: never
 */
export async function exchange(
  request: ClientRequest,
  body: Uint8Array | undefined,
  maxBytes: number,
  signal: Signal,
  suspect?: (heard: Signal) => Promise<void>,
): Promise<HttpResponse> {
  const heard = new Ending();
  let abort = (): void => {};
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      // A request that still waits for its connection tells nobody that it was destroyed.
      abort = () => {
        reject(signal.reason);
        request.destroy();
      };
      answer(request, body, resolve, reject);
      if (suspect !== undefined) watch(request, suspect, heard, reject);
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort);
    });
    heard.abort();
    return {
      status: response.statusCode ?? 0,
      headers: plainHeaders(response),
      body: request.method === 'HEAD' ? drained(response) : await readBody(response, maxBytes),
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof StaleConnection ? error : httpError(error);
  } finally {
    heard.abort();
    signal.removeEventListener('abort', abort);
    // No effect on a request that is complete; else the connection must not be used again.
    if (!request.writableFinished || request.destroyed) request.destroy();
  }
}

function answer(
  request: ClientRequest,
  body: Uint8Array | undefined,
  resolve: (response: IncomingMessage) => void,
  reject: (error: unknown) => void,
): void {
  let before = 0;
  request.once('socket', (socket) => {
    before = socket.bytesRead;
  });
  request.once('response', resolve);
  // Stays for the request's whole life: an error after the answer shows in the body's stream, but is also emitted here.
  request.on('error', (error) => {
    const code = codeOf(error);
    const stale = request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE') && (request.socket?.bytesRead ?? before) === before;
    reject(stale ? new StaleConnection('the kept connection was closed', { cause: error }) : error);
  });
  request.end(body);
}

/** A NAT that forgot the connection may swallow what is said on it. */
function watch(request: ClientRequest, suspect: (heard: Signal) => Promise<void>, heard: Signal, reject: (error: unknown) => void): void {
  request.once('socket', () => {
    if (!request.reusedSocket) return;
    void suspect(heard).then(() => {
      if (heard.aborted) return;
      reject(new StaleConnection('the kept connection is silent'));
      request.destroy();
    });
  });
}

function drained(response: IncomingMessage): Uint8Array {
  response.resume();
  return new Uint8Array(0);
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  try {
    const gzip = encodingOf(response.headers['content-encoding'], length) === 'gzip';
    if (!gzip && maxBytes > 0 && length > maxBytes) throw tooLarge(maxBytes);
    // The pipeline's errors come out of the stream that is read.
    const stream: Readable = gzip ? pipeline(response, createGunzip(), () => {}) : response;
    return await collect(stream, maxBytes);
  } catch (error) {
    response.destroy();
    throw error;
  }
}

/** @param length of the body; one without bytes is not encoded, whatever is said. Throws {@link HttpError}. */
export function encodingOf(header: string | undefined, length: number): 'gzip' | 'identity' {
  const encoding = (header ?? 'identity').trim().toLowerCase();
  if (length === 0 || encoding === 'identity' || encoding === '') return 'identity';
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip';
  throw new HttpError('bad_encoding', `content-encoding: expected gzip or none, got ${JSON.stringify(encoding.slice(0, 40))}`);
}

async function collect(stream: Readable, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stream) {
    total += (chunk as Uint8Array).length;
    if (maxBytes > 0 && total > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk as Uint8Array);
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, total);
}

function plainHeaders(response: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Every failure below HTTP as an {@link HttpError} with its reason. */
export function httpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  // Several addresses were tried; the first one's failure stands for all.
  if (error instanceof AggregateError && error.errors[0] !== undefined) return httpError(error.errors[0]);
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  const code = codeOf(error);
  if (code.startsWith('Z_') || code === 'ERR_ZLIB_INITIALIZATION_FAILED') {
    return new HttpError('bad_encoding', `body: expected gzip, as content-encoding says: ${message}`, { cause: error });
  }
  const tls = tlsMessage(code, message);
  if (tls !== undefined) return new HttpError('tls', tls, { cause: error });
  return new HttpError('network', code === '' || message.includes(code) ? message : `${message} (${code})`, { cause: error });
}
