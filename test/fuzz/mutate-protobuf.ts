import { ByteReader, ByteWriter } from '../../contract/binary.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { Random } from './random.ts';

/** A message without its schema. What parses as a message is taken for one: then its lengths stay right however it is changed. */
type Field =
  | { readonly number: number; readonly wire: 0; value: bigint }
  | { readonly number: number; readonly wire: 1 | 5; value: Uint8Array }
  | { readonly number: number; readonly wire: 2; value: Uint8Array | Field[] };

const INTEGERS = [0n, 1n, 2n, 127n, 128n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

/** One to three changes of fields; where the bytes are no message, and now and then anyway, changes of bytes. */
export function mutateProtobuf(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const fields = parse(bytes);
  if (fields === undefined || random.chance(0.15)) return mutateBytes(bytes, other, random);
  const others = parse(other) ?? [];
  for (let left = random.int(1, 3); left > 0; left--) changeFields(fields, others, random);
  const changed = encode(fields);
  return random.chance(0.1) ? mutateBytes(changed, other, random) : changed;
}

function changeFields(fields: Field[], others: readonly Field[], random: Random): void {
  const at = random.below(fields.length);
  const field = fields[at];
  if (field === undefined) {
    if (others.length > 0) fields.push(random.pick(others));
    return;
  }
  // Deeper first: what matters is mostly within.
  if (field.wire === 2 && Array.isArray(field.value) && random.chance(0.7)) {
    const inner = others.find(({ number, wire, value }) => number === field.number && wire === 2 && Array.isArray(value));
    changeFields(field.value, inner !== undefined && Array.isArray(inner.value) ? inner.value : others, random);
    return;
  }
  const kind = random.below(6);
  if (kind === 0) fields.splice(at, 1);
  else if (kind === 1) fields.splice(random.below(fields.length + 1), 0, structuredClone(field));
  else if (kind === 2) fields.push(...fields.splice(at, 1));
  else if (kind === 3 && others.length > 0) fields.splice(random.below(fields.length + 1), 0, structuredClone(random.pick(others)));
  else changeValue(field, random);
}

function changeValue(field: Field, random: Random): void {
  if (field.wire === 0) {
    field.value = random.chance(0.5) ? random.pick(INTEGERS) : BigInt.asUintN(64, field.value + BigInt(random.int(-2, 2)));
    return;
  }
  const bytes = Array.isArray(field.value) ? encode(field.value) : field.value;
  const changed = mutateBytes(bytes, bytes, random);
  if (field.wire === 2) field.value = changed;
  else {
    const fixed = new Uint8Array(field.wire === 1 ? 8 : 4);
    fixed.set(changed.subarray(0, fixed.length));
    field.value = fixed;
  }
}

function parse(bytes: Uint8Array, depth = 0): Field[] | undefined {
  const fields: Field[] = [];
  const reader = new ByteReader(bytes);
  try {
    while (reader.remaining > 0) {
      const tag = reader.varint();
      const number = Math.floor(tag / 8);
      if (number < 1 || number > 200) return undefined;
      const wire = tag % 8;
      if (wire === 0) fields.push({ number, wire, value: varint(reader) });
      else if (wire === 1) fields.push({ number, wire, value: reader.raw(8).slice() });
      else if (wire === 5) fields.push({ number, wire, value: reader.raw(4).slice() });
      else if (wire === 2) {
        const value = reader.block().slice();
        const inner = depth < 6 && value.length > 1 ? parse(value, depth + 1) : undefined;
        fields.push({ number, wire, value: inner ?? value });
      } else return undefined;
    }
  } catch {
    return undefined;
  }
  return fields;
}

function varint(reader: ByteReader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.u8();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return BigInt.asUintN(64, value);
}

function encode(fields: readonly Field[]): Uint8Array {
  const writer = new ByteWriter();
  for (const { number, wire, value } of fields) {
    writer.varint(number * 8 + wire);
    if (typeof value === 'bigint') {
      let rest = value;
      for (; rest > 0x7fn; rest >>= 7n) writer.u8(Number(rest & 0x7fn) | 0x80);
      writer.u8(Number(rest));
    } else if (Array.isArray(value)) writer.block(encode(value));
    else if (wire === 2) writer.block(value);
    else writer.raw(value);
  }
  return writer.bytes();
}
