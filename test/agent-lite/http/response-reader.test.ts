import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyMemory } from '../../../agent-lite/http/body-memory.ts';
import { ResponseReader, UnusualAnswer } from '../../../agent-lite/http/response-reader.ts';

/** Reads an answer in pieces that end at the given places, or anywhere. */
function read(text: string, borders: readonly number[] = [], maxBytes = 0, memory = new BodyMemory()): ResponseReader {
  const reader = new ResponseReader(maxBytes, memory);
  const bytes = Buffer.from(text, 'latin1');
  const ends = [...new Set(borders.map((border) => border % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const end of [...ends, bytes.length]) {
    // A copy that is spoilt afterwards: nothing of it may be kept.
    const piece = Buffer.from(bytes.subarray(at, end));
    if (piece.length > 0) reader.push(piece);
    piece.fill(0x78);
    at = end;
  }
  return reader;
}
const bodyOf = (reader: ResponseReader): string => Buffer.from(reader.body).toString('latin1');
const chunked = (parts: readonly string[], trailers = ''): string =>
  `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n${trailers}\r\n`;

describe('an answer', () => {
  it.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nup 1\n', 200, 'up 1\n', true],
    ['without a reason phrase', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', 200, '', true],
    ['of another status', 'HTTP/1.1 503 Service Unavailable\r\ncontent-length:4\r\n\r\nbusy', 503, 'busy', true],
    ['without a body', 'HTTP/1.1 204 No Content\r\n\r\n', 204, '', true],
    ['in chunks', `HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n${chunked(['up', ' 1', '\n'])}`, 200, 'up 1\n', true],
    ['in chunks with extensions', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2 ;a="b"\r\nup\r\n00\r\n\r\n', 200, 'up', true],
    [
      'in chunks with trailers',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunked(['up'], 'a: b\r\nc: d\r\n')}`,
      200,
      'up',
      true,
    ],
    ['that ends its connection', 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 2\r\n\r\nup', 200, 'up', false],
    ['with more behind it', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nupHTTP/1.1 200 OK\r\n', 200, 'up', false],
  ] as const)('%s, in any pieces', (_, text, status, body, reusable) => {
    fc.assert(
      fc.property(fc.array(fc.nat()), (borders) => {
        const reader = read(text, borders);
        expect(reader.done).toBe(true);
        expect(reader.status).toBe(status);
        expect(bodyOf(reader)).toBe(body);
        // Bytes behind the answer may come when nobody waits for them any more.
        if (borders.length === 0) expect(reader.reusable).toBe(reusable);
      }),
    );
    expect(read(text).reusable).toBe(reusable);
  });

  it('has headers in lower case; those given twice are joined', () => {
    const { headers } = read('HTTP/1.1 200 OK\r\nX-A:  1 \r\nx-a: 2\r\n__proto__: 3\r\nContent-Length: 0\r\n\r\n');
    expect(Object.entries(headers)).toEqual([
      ['x-a', '1, 2'],
      ['__proto__', '3'],
      ['content-length', '0'],
    ]);
  });

  it('of any size and any chunks is put together', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 300, unit: 'binary-ascii' })), fc.array(fc.nat()), (parts, borders) => {
        const body = parts.join('');
        expect(bodyOf(read(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunked(parts)}`, borders))).toBe(body);
        expect(bodyOf(read(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`, borders))).toBe(body);
      }),
    );
    const long = 'x'.repeat(3_000_000);
    expect(bodyOf(read(`HTTP/1.1 200 OK\r\ncontent-length: ${long.length}\r\n\r\n${long}`, [1_000_000, 1_500_000]))).toBe(long);
    expect(bodyOf(read(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunked([long, 'y'])}`, [70_000]))).toBe(`${long}y`);
  });

  it('is not done while a part of it is missing', () => {
    const text = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunked(['up'], 'a: b\r\n')}`;
    for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end)).done).toBe(false);
  });
});

describe('left to another parser is an answer', () => {
  const answer = (headers: string, body = ''): string => `HTTP/1.1 200 OK\r\n${headers}\r\n${body}`;
  it.each([
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['that is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['with an interim status', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['without a status', 'HTTP/1.1 OK\r\n\r\n'],
    ['that ends with its connection', answer('')],
    ['with two lengths', answer('content-length: 1\r\nContent-Length: 1\r\n', 'x')],
    ['with a list of lengths', answer('content-length: 1, 1\r\n', 'x')],
    ['with a signed length', answer('content-length: +1\r\n', 'x')],
    ['with a hexadecimal length', answer('content-length: 0x1\r\n', 'x')],
    ['with length and chunks', answer('content-length: 2\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n')],
    ['with another transfer coding', answer('transfer-encoding: gzip, chunked\r\n', '0\r\n\r\n')],
    ['with a blank before the colon', answer('content-length : 0\r\n')],
    ['with a folded line', answer('x-a: b\r\n c\r\ncontent-length: 0\r\n')],
    ['with a lone line feed', answer('x-a: b\nx-b: c\r\ncontent-length: 0\r\n')],
    ['with a lone carriage return', answer('x-a: b\rc\r\ncontent-length: 0\r\n')],
    ['with a zero byte', answer('x-a: \0\r\ncontent-length: 0\r\n')],
    ['with headers without end', `HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(3000)}`],
    ['with a chunk size that is none', answer('transfer-encoding: chunked\r\n', 'x\r\n')],
    ['with a negative chunk size', answer('transfer-encoding: chunked\r\n', '-1\r\n')],
    ['with a chunk size of 2^32', answer('transfer-encoding: chunked\r\n', '100000000\r\n')],
    ['with a chunk that is longer than told', answer('transfer-encoding: chunked\r\n', '1\r\nxy\r\n0\r\n\r\n')],
    ['with chunk lines that end with a line feed only', answer('transfer-encoding: chunked\r\n', '1\nx\n0\n\n')],
    ['with a chunk line without end', answer('transfer-encoding: chunked\r\n', `1;${'x'.repeat(300)}`)],
    ['with trailers without end', answer('transfer-encoding: chunked\r\n', `0\r\n${'a: b\r\n'.repeat(5000)}`)],
  ])('%s', (_, text) => {
    expect(() => read(text)).toThrow(UnusualAnswer);
    expect(() => read(text, [1, 5, 17, 20, 40, 41, 42])).toThrow(UnusualAnswer);
  });
});

describe('too long is a body', () => {
  it.each([
    ['by its length', 'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n'],
    ['by its chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n12345678\r\n3\r\n'],
  ])('%s, before it has come', (_, text) => {
    expect(() => read(text, [], 10)).toThrow('body: expected at most 10 bytes, got more');
    expect(() => read(text, [], 11)).not.toThrow();
  });

  it('but memory is taken for what comes, not for what is claimed', () => {
    const reader = read('HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n1234');
    expect(reader.body.buffer.byteLength).toBeLessThanOrEqual(1024 * 1024);
  });
});

describe('the memory of a body', () => {
  const answer = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

  it('serves the next answer once it is released, and not before', () => {
    const memory = new BodyMemory();
    const first = read(answer('a long body'), [], 0, memory);
    const second = read(answer('another one'), [], 0, memory);
    expect(second.body.buffer).not.toBe(first.body.buffer);
    expect(bodyOf(first)).toBe('a long body');
    const { buffer } = first.body;
    first.release();
    const third = read(answer('short'), [], 0, memory);
    expect(third.body.buffer).toBe(buffer);
    expect(bodyOf(third)).toBe('short');
    expect(bodyOf(second)).toBe('another one');
  });

  it('is given back once, whoever says so twice', () => {
    const memory = new BodyMemory();
    const first = read(answer('one'), [], 0, memory);
    first.release();
    first.release();
    expect(read(answer('two'), [], 0, memory).body.buffer).not.toBe(read(answer('three'), [], 0, memory).body.buffer);
  });

  it('is not given back while the answer is still coming', () => {
    const memory = new BodyMemory();
    const first = read('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab', [], 0, memory);
    first.release();
    const second = read(answer('xyzxy'), [], 0, memory);
    first.push(Buffer.from('cde'));
    expect([bodyOf(first), bodyOf(second)]).toEqual(['abcde', 'xyzxy']);
  });

  it('that an answer outgrew serves another one, and the next such answer does not outgrow it again', () => {
    const memory = new BodyMemory();
    const chunked = (bytes: number) =>
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`;
    const long = read(chunked(100_000), [], 0, memory);
    const { buffer } = long.body;
    const small = read(chunked(10), [], 0, memory).body.buffer;
    expect(small.byteLength).toBe(64 * 1024);
    long.release();
    expect(read(chunked(100_001), [], 0, memory).body.buffer).toBe(buffer);
  });

  it('of many answers is kept up to 2 MiB', () => {
    const memory = new BodyMemory();
    const buffers = (): ArrayBufferLike[] => {
      const readers = Array.from({ length: 20 }, () => read(answer('x'.repeat(200_000)), [], 0, memory));
      const found = readers.map(({ body }) => body.buffer);
      for (const reader of readers) reader.release();
      return found;
    };
    const before = new Set(buffers());
    expect(buffers().filter((buffer) => before.has(buffer)).length).toBe(Math.floor((2 * 1024 * 1024) / (13 * 16 * 1024)));
  });

  it('is not kept where it is large', () => {
    const memory = new BodyMemory();
    const first = read(answer('x'.repeat(300_000)), [], 0, memory);
    const { buffer } = first.body;
    first.release();
    expect(read(answer('y'), [], 0, memory).body.buffer).not.toBe(buffer);
  });
});
