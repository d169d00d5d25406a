import { ByteReader, ByteWriter, FormatError } from '../../contract/binary.ts';
import { crc32c } from '../../contract/crc32c.ts';
import { blockBytes, type Fragment } from '../model.ts';

/**
 * One commit as one object: magic, version, length of the index, index, CRC-32C of the index, then the fragments' blocks in
 * the index's order. The index stands in the ledger's row too, so a drain reads only a lane's byte range. See SCHEMA.md.
 */
const MAGIC = 0x424f_4c41; // "ALOB", little-endian
const VERSION = 1;
/** Magic, version, index length. */
const HEAD_BYTES = 4 + 1 + 4;
const CRC_BYTES = 4;
const MAX_FRAGMENTS = 100_000;

/** A fragment's place and facts, without its bytes. */
export interface FragmentEntry extends Omit<Fragment, 'block'> {
  readonly device: string;
  readonly lane: number;
  /** From the start of the object, bytes. */
  readonly offset: number;
  /** Of the block, bytes. */
  readonly length: number;
  /** CRC-32C of the block. */
  readonly crc: number;
}

export interface LaneFragment extends Fragment {
  readonly device: string;
}

export interface EncodedObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly index: Uint8Array<ArrayBuffer>;
  readonly entries: readonly FragmentEntry[];
}

/** `lanes[n]`: the fragments of lane n in the order in which they must reach the receiver. */
export function encodeObject(lanes: readonly (readonly LaneFragment[])[]): EncodedObject {
  const fragments = lanes.flat();
  const index = encodeIndex(lanes);
  const writer = new ByteWriter(HEAD_BYTES + index.length + CRC_BYTES + blockBytes(fragments));
  writer.u32(MAGIC);
  writer.u8(VERSION);
  writer.u32(index.length);
  writer.raw(index);
  writer.u32(crc32c(index));
  for (const { block } of fragments) writer.raw(block);
  return { bytes: writer.bytes(), index, entries: decodeIndex(index) };
}

function encodeIndex(lanes: readonly (readonly LaneFragment[])[]): Uint8Array<ArrayBuffer> {
  const devices = new Map<string, number>();
  for (const { device } of lanes.flat()) if (!devices.has(device)) devices.set(device, devices.size);
  const writer = new ByteWriter(1024);
  writer.varint(devices.size);
  for (const device of devices.keys()) writer.string(device);
  writer.varint(lanes.length);
  for (const lane of lanes) {
    writer.varint(lane.length);
    for (const fragment of lane) {
      writer.varint(devices.get(fragment.device) as number);
      writer.varint(fragment.block.length);
      writer.u32(crc32c(fragment.block));
      writer.varint(fragment.rawBytes);
      writer.varint(fragment.samples);
      writer.varint(fragment.series);
      writer.zigzag(fragment.minMs);
      writer.zigzag(fragment.maxMs);
    }
  }
  return writer.bytes();
}

/** Reads the index part alone, as the ledger keeps it. Throws {@link FormatError}. */
export function decodeIndex(index: Uint8Array): readonly FragmentEntry[] {
  const reader = new ByteReader(index);
  const deviceCount = bounded(reader.varint(), 'devices');
  const devices: string[] = [];
  for (let i = 0; i < deviceCount; i++) devices.push(reader.string(64));
  const laneCount = bounded(reader.varint(), 'lanes');
  const entries: FragmentEntry[] = [];
  let offset = HEAD_BYTES + index.length + CRC_BYTES;
  for (let lane = 0; lane < laneCount; lane++) {
    const count = bounded(reader.varint(), 'fragments');
    for (let i = 0; i < count; i++) {
      const device = devices[reader.varint()];
      if (device === undefined) throw new FormatError(`index: expected a device below ${deviceCount}`);
      const length = reader.varint();
      const crc = reader.u32();
      entries.push({
        device,
        lane,
        offset,
        length,
        crc,
        rawBytes: reader.varint(),
        samples: reader.varint(),
        series: reader.varint(),
        minMs: reader.zigzag(),
        maxMs: reader.zigzag(),
      });
      offset += length;
    }
  }
  reader.end();
  return entries;
}

/** Reads a whole object: for tools and for people; the drain goes by the ledger's rows. Throws {@link FormatError}. */
export function decodeObject(bytes: Uint8Array): readonly (FragmentEntry & { readonly block: Uint8Array })[] {
  const reader = new ByteReader(bytes);
  if (reader.u32() !== MAGIC) throw new FormatError('offset 0: expected a data object');
  const version = reader.u8();
  if (version !== VERSION) throw new FormatError(`offset 4: expected version ${VERSION}, got ${version}`);
  const index = reader.raw(reader.u32());
  const crc = reader.u32();
  if (crc !== crc32c(index)) throw new FormatError(`offset ${HEAD_BYTES}: expected an index with CRC ${crc}, got ${crc32c(index)}`);
  const entries = decodeIndex(index);
  const blocks = entries.map((entry) => {
    const block = reader.raw(entry.length);
    if (crc32c(block) !== entry.crc) throw new FormatError(`offset ${entry.offset}: expected a block with CRC ${entry.crc}`);
    return { ...entry, block };
  });
  reader.end();
  return blocks;
}

function bounded(count: number, what: string): number {
  if (count > MAX_FRAGMENTS) throw new FormatError(`index: expected at most ${MAX_FRAGMENTS} ${what}, got ${count}`);
  return count;
}
