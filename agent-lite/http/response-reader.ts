import { HttpError } from '../model.ts';
import type { BodyMemory } from './body-memory.ts';

/**
 * The answer is none of the plain ones that {@link ResponseReader} reads: no HTTP/1.1, an interim status, a body that ends with the
 * connection, a header that could be read in two ways. Whoever asked may ask again over node:http, whose parser knows them all.
 */
export class UnusualAnswer extends Error {
  override name = 'UnusualAnswer';
}

/** Of the status line and all headers, and of all trailers; Node's own limit. */
const MAX_HEAD_BYTES = 16 * 1024;
/** A size of eight hexadecimal digits, and extensions, which are ignored. */
const MAX_CHUNK_LINE_BYTES = 256;
/** Taken at once for a body, whatever length it claims; more as it comes. */
const FIRST_BODY_BYTES = 1024 * 1024;
const FIRST_CHUNKED_BYTES = 64 * 1024;
/** What compression may add to a body that does not shrink. */
const CODING_SLACK_BYTES = 64 * 1024;

const NEWLINE = 0x0a;
const START = 'HTTP/1.1 ';
const STATUS_LINE = /^HTTP\/1\.1 ([2-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** RFC 9110, sections 5.1 and 5.5: nothing between name and colon, no line folding, no control characters. */
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
/** Told twice, nobody knows which one counts (RFC 9112, section 6.3: a way to smuggle). */
const ONCE = new Set(['content-length', 'transfer-encoding', 'content-encoding', 'content-type', 'connection', 'location']);

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

type State = 'head' | 'fixed' | 'size' | 'data' | 'after-data' | 'trailers' | 'done';

/**
 * Reads one answer to a GET as it comes, into one buffer: Node's streams take three times the processor time and twice the memory.
 * Strict where {@link UnusualAnswer} says so.
 */
export class ResponseReader {
  readonly #maxBytes: number;
  readonly #memory: BodyMemory;
  #state: State = 'head';
  /** Of a head that did not come in one piece, and of chunk sizes and trailers. */
  #line = '';
  #trailerBytes = 0;
  /** Of the body or of the present chunk, still to come. */
  #left = 0;
  #body = NOTHING;
  #length = 0;
  status = 0;
  /** Lower-case names. */
  headers: Record<string, string> = Object.create(null);
  /** The connection may serve another request. */
  reusable = true;
  /** A byte of the answer has come. */
  begun = false;

  /** @param maxBytes of the body after decompression, which is not done here; 0: no limit */
  constructor(maxBytes: number, memory: BodyMemory) {
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** As it travelled: perhaps compressed. */
  get body(): Uint8Array<ArrayBuffer> {
    return this.#body.subarray(0, this.#length);
  }

  /** Nobody reads {@link body} any more: it will be written over. */
  release(): void {
    if (!this.done) return;
    this.#memory.give(this.#body);
    this.#body = NOTHING;
    this.#length = 0;
  }

  /** Takes what has come; the bytes are not kept. Throws {@link UnusualAnswer}, and {@link HttpError} where the body is too long. */
  push(bytes: Buffer): void {
    this.begun = true;
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') at = this.#step(bytes, at);
    // More than was asked for: what it belongs to is anybody's guess.
    if (at < bytes.length) this.reusable = false;
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes, at);
      case 'fixed':
      case 'data':
        return this.#take(bytes, at);
      default:
        return this.#lineStep(bytes, at);
    }
  }

  #head(bytes: Buffer, at: number): number {
    const before = this.#line.length;
    // The end may lie across the border of two pieces.
    const found = before === 0 ? bytes.indexOf('\r\n\r\n', at, 'latin1') : -1;
    const stop = found === -1 ? bytes.length : found + 4;
    this.#line += bytes.toString('latin1', at, Math.min(stop, at + MAX_HEAD_BYTES + 4 - before));
    if (!this.#line.startsWith(START.slice(0, this.#line.length))) throw new UnusualAnswer('expected HTTP/1.1');
    const end = this.#line.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end === -1) {
      if (this.#line.length > MAX_HEAD_BYTES) throw new UnusualAnswer(`expected headers of at most ${MAX_HEAD_BYTES} bytes`);
      return bytes.length;
    }
    const [first = '', ...lines] = this.#line.slice(0, end).split('\r\n');
    this.#line = '';
    this.#readHead(first, lines);
    return at + end + 4 - before;
  }

  #readHead(first: string, lines: readonly string[]): void {
    const status = STATUS_LINE.exec(first)?.[1];
    if (status === undefined) throw new UnusualAnswer('expected a status line of HTTP/1.1 with a final status');
    this.status = Number(status);
    const { headers } = this;
    for (const line of lines) {
      const match = HEADER.exec(line);
      if (match === null) throw new UnusualAnswer('expected "name: value"');
      const [, given = '', text = ''] = match;
      const name = given.toLowerCase();
      const value = text.trimEnd();
      const known = headers[name];
      if (known !== undefined && ONCE.has(name)) throw new UnusualAnswer(`expected ${name} once`);
      headers[name] = known === undefined ? value : `${known}, ${value}`;
    }
    if (/(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(headers['connection'] ?? '')) this.reusable = false;
    this.#frame(headers['transfer-encoding'], headers['content-length']);
  }

  /** RFC 9112, section 6.3. */
  #frame(transfer: string | undefined, length: string | undefined): void {
    if (this.status === 204 || this.status === 304) {
      if (transfer !== undefined) throw new UnusualAnswer('expected no transfer-encoding without a body');
      this.#state = 'done';
    } else if (transfer !== undefined) {
      if (transfer.toLowerCase() !== 'chunked' || length !== undefined) throw new UnusualAnswer('expected chunked, and no length');
      this.#state = 'size';
      this.#body = this.#memory.take(FIRST_CHUNKED_BYTES);
    } else if (length !== undefined && /^[0-9]{1,15}$/.test(length)) {
      this.#left = Number(length);
      this.#checkLimit(this.#left);
      this.#body = this.#memory.take(Math.min(this.#left, FIRST_BODY_BYTES));
      this.#state = this.#left === 0 ? 'done' : 'fixed';
    } else {
      throw new UnusualAnswer('expected a length, or chunks');
    }
  }

  #take(bytes: Buffer, at: number): number {
    const count = Math.min(this.#left, bytes.length - at);
    this.#reserve(this.#length + count);
    this.#body.set(bytes.subarray(at, at + count), this.#length);
    this.#length += count;
    this.#left -= count;
    if (this.#left === 0) this.#state = this.#state === 'fixed' ? 'done' : 'after-data';
    return at + count;
  }

  #lineStep(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(NEWLINE, at);
    const stop = end === -1 ? bytes.length : end + 1;
    this.#line += bytes.toString('latin1', at, Math.min(stop, at + MAX_HEAD_BYTES));
    if (this.#line.length > (this.#state === 'trailers' ? MAX_HEAD_BYTES : MAX_CHUNK_LINE_BYTES))
      throw new UnusualAnswer('expected a shorter line between chunks');
    if (end === -1) return stop;
    const line = this.#line;
    this.#line = '';
    if (!line.endsWith('\r\n')) throw new UnusualAnswer('expected lines between chunks to end with CR LF');
    this.#readLine(line.slice(0, -2));
    return stop;
  }

  #readLine(line: string): void {
    if (this.#state === 'after-data') {
      if (line !== '') throw new UnusualAnswer('expected the end of a chunk');
      this.#state = 'size';
    } else if (this.#state === 'size') {
      const size = CHUNK_SIZE.exec(line)?.[1];
      if (size === undefined) throw new UnusualAnswer('expected the size of a chunk');
      this.#left = Number.parseInt(size, 16);
      this.#checkLimit(this.#length + this.#left);
      this.#state = this.#left === 0 ? 'trailers' : 'data';
    } else if (line === '') {
      this.#state = 'done';
    } else {
      this.#trailerBytes += line.length + 2;
      if (this.#trailerBytes > MAX_HEAD_BYTES || !HEADER.test(line)) throw new UnusualAnswer('expected short trailers');
    }
  }

  #checkLimit(bytes: number): void {
    const slack = this.headers['content-encoding'] === undefined ? 0 : CODING_SLACK_BYTES;
    if (this.#maxBytes > 0 && bytes > this.#maxBytes + slack) throw tooLarge(this.#maxBytes);
  }

  #reserve(length: number): void {
    if (length <= this.#body.length) return;
    const grown = this.#memory.take(Math.max(length, 2 * this.#body.length));
    grown.set(this.#body.subarray(0, this.#length));
    this.#memory.give(this.#body);
    this.#body = grown;
  }
}

export const tooLarge = (maxBytes: number): HttpError => new HttpError('too_large', `body: expected at most ${maxBytes} bytes, got more`);
