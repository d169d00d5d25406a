import { ByteReader, ByteWriter, FormatError } from './binary.ts';
import { LENGTH, ProtobufReader, VARINT } from './protobuf.ts';

/**
 * Protobuf messages as objects, as much of proto3 as the push protocol needs: integers, strings, bytes and messages. A general
 * library is larger than everything else of a push together, and a page pays for that. A message is a table of its fields
 * (push-wire.ts); a test holds what is written and read equal to protobufjs.
 */

const TWO_32 = 0x1_0000_0000;
const TWO_64 = 2 ** 64;

/** One field: what it is called on the wire, and how its value is written and read. */
export interface Field<T> {
  readonly number: number;
  readonly wireType: typeof VARINT | typeof LENGTH;
  /** The value of a field that is not on the wire. */
  absent(): T;
  /** With its tag, and nothing at all where the value is as good as absent. */
  write(writer: ByteWriter, value: T): void;
  /** `reader` is at the field. `before`: what the message had so far, as a field may come again. */
  read(reader: ProtobufReader, before: T): T;
}
type Values<F> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };
/** What is written: fields may be missing, at every depth. */
export type Given<T> = { readonly [K in keyof T]?: GivenValue<T[K]> | null | undefined };
type GivenValue<V> = V extends Uint8Array ? V : V extends readonly (infer I)[] ? readonly GivenValue<I>[] : V extends object ? Given<V> : V;

export interface MessageType<T> {
  encode(message: Given<T>): Uint8Array<ArrayBuffer>;
  /** Unknown fields are skipped. Throws {@link FormatError}. */
  decode(bytes: Uint8Array): T;
  readonly decodeInto: (bytes: Uint8Array, into: T) => T;
  readonly empty: () => T;
}
export type MessageOf<M> = M extends MessageType<infer T> ? T : never;

export function message<F extends Readonly<Record<string, Field<unknown>>>>(fields: F): MessageType<Values<F>> {
  type T = Values<F>;
  // Inside, values go from a field to the same field only, which the types of a table cannot say.
  const all = Object.entries(fields) as unknown as readonly (readonly [keyof T & string, Field<unknown>])[];
  const byNumber = new Map(all.map(([name, field]) => [field.number, [name, field] as const]));
  const empty = (): T => Object.fromEntries(all.map(([name, field]) => [name, field.absent()])) as T;

  function decodeInto(bytes: Uint8Array, into: T): T {
    const reader = new ProtobufReader(bytes);
    const values: Record<string, unknown> = into;
    while (reader.next()) {
      const [name, field] = byNumber.get(reader.field) ?? [];
      if (name === undefined || field?.wireType !== reader.wire) reader.skip();
      else values[name] = field.read(reader, values[name]);
    }
    return into;
  }
  return {
    encode(given) {
      const writer = new ByteWriter();
      for (const [name, field] of all) {
        const value: unknown = given[name];
        if (value !== undefined && value !== null) field.write(writer, value);
      }
      return writer.bytes();
    },
    decode: (bytes) => decodeInto(bytes, empty()),
    decodeInto,
    empty,
  };
}

/** Up to 2^53; on the wire more is possible, and is read rounded: no safe integer. */
export const uint64 = (number: number): Field<number> => integer(number, (value) => (value < 0 ? value + TWO_64 : value));
export const int64 = (number: number): Field<number> => integer(number, (value) => value);
export const uint32 = (number: number): Field<number> => integer(number, (value) => value >>> 0);
/** Enums. */
export const int32 = (number: number): Field<number> => integer(number, (value) => value | 0);

export const string = (number: number): Field<string> => ({
  ...{ number, wireType: LENGTH, absent: () => '' },
  write(writer, value) {
    if (value === '') return;
    tag(writer, number, LENGTH);
    writer.string(value);
  },
  read: (reader) => utf8(reader.bytes()),
});

/** Reading gives a view of the message. */
export const bytes = (number: number): Field<Uint8Array> => ({
  ...{ number, wireType: LENGTH, absent: () => new Uint8Array(0) },
  write(writer, value) {
    if (value.length > 0) writeBlock(writer, number, value);
  },
  read: (reader) => reader.bytes(),
});

export const repeatedBytes = (number: number): Field<Uint8Array[]> => ({
  ...{ number, wireType: LENGTH, absent: () => [] },
  write(writer, values) {
    for (const value of values) writeBlock(writer, number, value);
  },
  read: (reader, before) => added(before, reader.bytes()),
});

/** In one piece, as proto3 writes it. Numbers one by one, which nobody writes here, are skipped. */
export const packedUint32 = (number: number): Field<number[]> => ({
  ...{ number, wireType: LENGTH, absent: () => [] },
  write(writer, values) {
    if (values.length === 0) return;
    const packed = new ByteWriter(values.length);
    for (const value of values) packed.varint(value);
    writeBlock(writer, number, packed.bytes());
  },
  read(reader, before) {
    const packed = new ByteReader(reader.bytes());
    while (packed.remaining > 0) before.push(packed.varint() >>> 0);
    return before;
  },
});

/** One message, or none. One that comes in several parts is put together, as protobuf demands. */
export const one = <T>(number: number, type: MessageType<T>): Field<T | undefined> => ({
  ...{ number, wireType: LENGTH, absent: () => undefined },
  write(writer, value) {
    if (value !== undefined) writeBlock(writer, number, type.encode(value as Given<T>));
  },
  read: (reader, before) => type.decodeInto(reader.bytes(), before ?? type.empty()),
});

export const many = <T>(number: number, type: MessageType<T>): Field<T[]> => ({
  ...{ number, wireType: LENGTH, absent: () => [] },
  write(writer, values) {
    for (const value of values) writeBlock(writer, number, type.encode(value as Given<T>));
  },
  read: (reader, before) => added(before, type.decode(reader.bytes())),
});

function integer(number: number, valueOf64: (value: number) => number): Field<number> {
  return {
    ...{ number, wireType: VARINT, absent: () => 0 },
    write(writer, given) {
      if (given === 0) return;
      tag(writer, number, VARINT);
      if (given > 0) writer.varint(given);
      else negative(writer, given);
    },
    read: (reader) => valueOf64(reader.integer()),
  };
}

function added<T>(list: T[], item: T): T[] {
  list.push(item);
  return list;
}

const tag = (writer: ByteWriter, number: number, wireType: number): void => writer.varint(number * 8 + wireType);

function writeBlock(writer: ByteWriter, number: number, content: Uint8Array): void {
  tag(writer, number, LENGTH);
  writer.block(content);
}

/** Negative numbers are ten bytes: 64 bits of two's complement. */
function negative(writer: ByteWriter, value: number): void {
  let low = value >>> 0;
  let high = Math.floor(value / TWO_32) >>> 0;
  for (let i = 0; i < 9; i++) {
    writer.u8((low & 0x7f) | 0x80);
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  writer.u8(low);
}

/** proto3: a string is UTF-8, and anything else makes the message invalid. */
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
function utf8(text: Uint8Array): string {
  try {
    return utf8Decoder.decode(text);
  } catch (cause) {
    throw new FormatError('protobuf: expected UTF-8 text', { cause });
  }
}
