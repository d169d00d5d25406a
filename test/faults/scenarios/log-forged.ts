import { copyFrame } from '../../../agent-lite/wal/frame.ts';
import { isScrape } from '../../../agent-lite/wal/record.ts';
import { ByteWriter } from '../../../contract/binary.ts';
import { type Damaged, examineAll, type SmallLog, smallLog } from '../damaged-log.ts';
import type { Random } from '../random.ts';
import type { Scenario } from '../scenario.ts';

const BLOCK = 512;
const HEAD = 24;
/** Where several records are gone at once, what they named may be missing up to the next copies, which lie beyond so small a segment. */
const UP_TO_A_COPY = Number.POSITIVE_INFINITY;

/** Damage that a medium or a bug makes and that looks like records: checksums are wrong, or right with a senseless content. */
export const scenario: Scenario = {
  name: 'log-forged',
  about: 'record headers forged, blocks of the log swapped, doubled, zeroed, senseless scrapes with right checksums: no wrong value',
  rounds: { short: 2, full: 4 },
  async run({ number, random, short }) {
    const log = await smallLog(random, number % 2 === 1);
    return examineAll(log, forgeries(log, random), short ? 60 : 1, random);
  },
};

function* forgeries(log: SmallLog, random: Random): Generator<Damaged> {
  for (const frame of log.frames) {
    for (const [what, write] of headers(random)) {
      const bytes = log.bytes.slice();
      write(new DataView(bytes.buffer, frame.offset));
      yield { what: `record ${frame.position}: ${what}`, bytes };
    }
    for (const [what, body] of isScrape(log.bytes.subarray(frame.offset + HEAD)) ? bodies(frame.bytes - HEAD, random) : []) {
      const writer = new ByteWriter(frame.bytes);
      // The chain stays: it is the content that makes no sense.
      const chain = Buffer.from(log.bytes.subarray(frame.offset + 12, frame.offset + 20)).toString('hex');
      copyFrame(writer, frame.position, chain, body, log.seed);
      const bytes = log.bytes.slice();
      bytes.set(writer.bytes(), frame.offset);
      yield { what: `record ${frame.position}: ${what}, with a right checksum`, bytes };
    }
    const other = random.pick(log.frames);
    const doubled = log.bytes.slice();
    doubled.set(
      log.bytes.subarray(other.offset, Math.min(other.offset + other.bytes, log.bytes.length - frame.offset + other.offset)),
      frame.offset,
    );
    yield { what: `record ${other.position} copied over record ${frame.position}`, bytes: doubled, most: UP_TO_A_COPY };
  }
  for (let at = 0; at + BLOCK <= log.bytes.length; at += BLOCK) {
    const from = BLOCK * random.int(0, Math.floor(log.bytes.length / BLOCK) - 1);
    const old = log.bytes.slice();
    old.copyWithin(at, from, from + BLOCK);
    yield { what: `block ${from / BLOCK} where block ${at / BLOCK} was`, bytes: old, most: UP_TO_A_COPY };
    for (const value of [0, 255])
      yield { what: `block ${at / BLOCK} is all ${value}`, bytes: log.bytes.slice().fill(value, at, at + BLOCK), most: UP_TO_A_COPY };
  }
}

function headers(random: Random): readonly (readonly [string, (view: DataView) => void])[] {
  const length = (value: number) => (view: DataView) => view.setUint32(0, value, true);
  const position = (change: bigint) => (view: DataView) => view.setBigUint64(4, view.getBigUint64(4, true) + change, true);
  return [
    ['length 0', length(0)],
    ['length 1', length(1)],
    ['the largest length', length(0xffff_ffff)],
    ['a length of 16 MiB', length(16 * 1024 * 1024)],
    ['a length one longer', (view) => view.setUint32(0, view.getUint32(0, true) + 1, true)],
    ['the position before', position(-1n)],
    ['the position behind', position(1n)],
    ['a position far ahead', position(BigInt(random.int(2, 2 ** 31)))],
    ['position 2^63', (view) => view.setBigUint64(4, 2n ** 63n, true)],
    ['another chain', (view) => view.setBigUint64(12, BigInt(random.int(0, 2 ** 31)), true)],
    ['another checksum', (view) => view.setUint32(20, random.int(0, 2 ** 31), true)],
    ['a type that there is not', (view) => view.setUint8(24, random.pick([0, 8, 255]))],
    ['another type', (view) => view.setUint8(24, (view.getUint8(24) % 7) + 1)],
  ];
}

/** Of the length that was there. */
function bodies(length: number, random: Random): readonly (readonly [string, Uint8Array])[] {
  const filled = (type: number, byte: () => number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at === 0 ? type : byte()));
  return [
    ['a scrape of zeros', filled(4, () => 0)],
    ['a scrape that names what is not there', filled(4, () => 0x7f)],
    ['a delta of chance', filled(5, () => random.int(0, 255))],
  ];
}
