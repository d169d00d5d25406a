import { ByteReader, FormatError } from '../../../contract/binary.ts';
import { snappyCompress, snappyConcat, snappyUncompress } from '../../../contract/snappy.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { type FuzzTarget, must, orRefusal } from '../target.ts';

const MAX_BYTES = 1024 * 1024;

/** Snappy blocks, against a reader that keeps a plain list of bytes. */
export const snappy: FuzzTarget = {
  name: 'snappy',
  promise: 'a block is refused by a FormatError, or means what a plain reader of the format says, and may be joined with others',
  async seeds() {
    const texts = ['', 'a', 'abcabcabcabcabcabcabcabcabc', JSON.stringify(process.versions).repeat(30)];
    const written = texts.map((text) => snappyCompress(new TextEncoder().encode(text)));
    // A literal with one length byte; copies with offsets of 1, 2 and 4 bytes.
    return [...written, Uint8Array.of(2, 60 << 2, 1, 7, 8), Uint8Array.of(15, 0, 9, 1, 1, (4 << 2) | 2, 1, 0, (4 << 2) | 3, 1, 0, 0, 0)];
  },
  mutate: mutateBytes,
  async check(input) {
    const refused = (error: unknown): boolean => error instanceof FormatError;
    const got = orRefusal(() => snappyUncompress(input, MAX_BYTES), refused);
    const expected = orRefusal(
      () => plainUncompress(input),
      (error) => error instanceof PlainError || refused(error),
    );
    must((got === undefined) === (expected === undefined), `expected it ${expected === undefined ? 'refused' : 'read'}`);
    if (got === undefined || expected === undefined) return 'refused';
    must(Buffer.compare(got, Uint8Array.from(expected)) === 0, 'the contents differ');
    const more = Uint8Array.of(1, 2, 3);
    const joined = snappyUncompress(snappyConcat([input, snappyCompress(more)]), 2 * MAX_BYTES);
    must(Buffer.compare(joined, Uint8Array.from([...expected, ...more])) === 0, 'joined with another block the contents differ');
    return 'accepted';
  },
};

class PlainError extends Error {}

/** https://github.com/google/snappy/blob/main/format_description.txt, word by word. */
function plainUncompress(block: Uint8Array): readonly number[] {
  const length = new ByteReader(block).varint();
  if (length > MAX_BYTES) throw new PlainError('too long');
  const rest = [...block.subarray(block.findIndex((byte) => byte < 0x80) + 1)];
  const take = (count: number): number[] => {
    if (rest.length < count) throw new PlainError('ends early');
    return rest.splice(0, count);
  };
  const little = (count: number): number => take(count).reduce((sum, byte, i) => sum + byte * 256 ** i, 0);
  const out: number[] = [];
  while (rest.length > 0) {
    const [tag = 0] = take(1);
    const kind = tag & 3;
    if (kind === 0) {
      const size = tag >> 2 < 60 ? tag >> 2 : little((tag >> 2) - 59);
      if (size + 1 > length) throw new PlainError('too long');
      for (const byte of take(size + 1)) out.push(byte);
    } else {
      const count = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const offset = kind === 1 ? (tag >> 5) * 256 + little(1) : little(kind === 2 ? 2 : 4);
      if (offset === 0 || offset > out.length) throw new PlainError('reaches back too far');
      for (let i = 0; i < count; i++) out.push(out[out.length - offset] as number);
    }
    if (out.length > length) throw new PlainError('too long');
  }
  if (out.length !== length) throw new PlainError('too short');
  return out;
}
