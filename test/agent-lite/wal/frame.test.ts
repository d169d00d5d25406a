import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  LOG_SEGMENT,
  NO_BOOT,
  parseSegmentName,
  segmentName,
} from '../../../agent-lite/wal/format.ts';
import { FrameScanner, writeFrame } from '../../../agent-lite/wal/frame.ts';
import { ByteWriter } from '../../../contract/binary.ts';
import { nextChain } from '../../../contract/chain.ts';
import { NO_CHAIN } from '../../../contract/push.ts';

const SEED = 77;

function segmentOf(bodies: readonly Uint8Array[], seed = SEED, first = 1) {
  const writer = new ByteWriter(64);
  const borders: number[] = [];
  let chain = NO_CHAIN;
  bodies.forEach((body, i) => {
    borders.push(writer.length);
    chain = writeFrame(writer, first + i, chain, body, seed).chain;
  });
  return { bytes: writer.bytes(), borders };
}

async function scan(bytes: Uint8Array, chunkBytes: number, first = 1) {
  const read = async (offset: number, length: number) => bytes.slice(offset, offset + length);
  const scanner = new FrameScanner({ read, seed: SEED, offset: 0, end: bytes.length, last: first - 1, contiguous: true, chunkBytes });
  const frames: { position: number; offset: number; chain: string; body: number[] }[] = [];
  const damage: { offset: number; bytes: number; trailing: boolean }[] = [];
  for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
    if (found.damage !== undefined) damage.push(found.damage);
    else frames.push({ ...found.frame, body: [...found.frame.body] });
  }
  return { frames, damage };
}

const body = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.uint8Array({ maxLength: 80 })).map(([type, rest]) => Uint8Array.of(type, ...rest));

describe('frames', () => {
  it('are read whatever the size of a chunk', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(body, { maxLength: 20 }), fc.integer({ min: 1, max: 300 }), async (bodies, chunkBytes) => {
        const { frames, damage } = await scan(segmentOf(bodies).bytes, chunkBytes);
        expect(damage).toEqual([]);
        expect(frames.map((frame) => frame.body)).toEqual(bodies.map((each) => [...each]));
        let chain = NO_CHAIN;
        frames.forEach((frame, i) => {
          chain = nextChain(chain, bodies[i] ?? new Uint8Array());
          expect(frame).toMatchObject({ position: i + 1, chain });
        });
      }),
    );
  });

  it('one damaged stretch costs the frames it touches and no other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(body, { minLength: 3, maxLength: 20 }),
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 300 }),
        async (bodies, at, noise, chunkBytes) => {
          const { bytes, borders } = segmentOf(bodies);
          const changed = bytes.slice();
          const from = at % bytes.length;
          changed.set(noise.subarray(0, bytes.length - from), from);
          const touched = (i: number): boolean => {
            const [start = 0, end = bytes.length] = [borders[i], borders[i + 1]];
            return changed.subarray(start, end).some((byte, offset) => byte !== bytes[start + offset]);
          };
          const { frames } = await scan(changed, chunkBytes);
          expect(frames.map(({ position }) => position)).toEqual(bodies.map((_, i) => i + 1).filter((position) => !touched(position - 1)));
        },
      ),
    );
  });

  it('bytes that look like a frame are none without the seed of their log', async () => {
    const forged = segmentOf([Uint8Array.of(4, 6, 6, 6)], SEED + 1, 2).bytes;
    const { bytes } = segmentOf([Uint8Array.of(1, ...forged), Uint8Array.of(2)]);
    bytes[4] = 9;
    const { frames, damage } = await scan(bytes, 1000);
    expect(damage).toHaveLength(1);
    expect(frames.map(({ position }) => position)).toEqual([2]);
    expect(frames[0]?.body).toEqual([2]);
  });
});

describe('segment headers', () => {
  const header = {
    kind: LOG_SEGMENT,
    logId: 'ab'.repeat(16),
    first: 2 ** 40,
    before: { position: 2 ** 40 - 7, chain: '0123456789abcdef' },
    createdMs: 1_700_000_000_000,
    previous: { first: 5, last: 9, bytes: 1234, records: 3, oldestMs: 1, newestMs: 2, newestBootMs: 3, newestBootId: 'cd'.repeat(16) },
  } as const;

  it('come back as they were written', () => {
    for (const each of [header, { ...header, previous: undefined }]) expect(decodeHeader(encodeHeader(each))).toEqual(each);
    expect(encodeHeader(header)).toHaveLength(HEADER_BYTES);
    const early = { ...header, createdMs: -5, previous: { ...header.previous, oldestMs: -1, newestBootId: NO_BOOT } };
    expect(decodeHeader(encodeHeader(early))).toMatchObject({ createdMs: 0, previous: { oldestMs: 0 } });
  });

  it('are refused with any bit changed, or cut', () => {
    const bytes = encodeHeader(header);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeHeader(changed)).toThrow(/segment header/);
    }
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeHeader(bytes.subarray(0, length))).toThrow(/expected 136 bytes/);
  });

  it('names of segments sort as positions', () => {
    for (const first of [1, 99, 65_537, 2 ** 53 - 1]) expect(parseSegmentName(segmentName(first))).toBe(first);
    expect([2 ** 53 - 1, 10, 9].map(segmentName).sort().map(parseSegmentName)).toEqual([9, 10, 2 ** 53 - 1]);
    const foreign = [
      '',
      'x.seg',
      '1.seg',
      '0000000000000000.seg',
      '9999999999999999.seg',
      '0000000000000001.seg.tmp',
      '000000000000001a.seg',
    ];
    for (const name of foreign) expect(parseSegmentName(name)).toBeUndefined();
  });
});
