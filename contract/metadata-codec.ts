import { ByteReader, ByteWriter, FormatError } from './binary.ts';
import { compareText, hasUtf8Form, isValidName, utf8Length } from './labels.ts';
import { attachmentLimits } from './limits.ts';
import { type FamilyMetadata, METRIC_TYPES, metadataLimits } from './metadata.ts';

/**
 * The metadata of one target, in the device's log and in a push. Meant to be deflated afterwards. None are no bytes at all; else
 * `varint families`, and per family, ascending by name: `string name`, `u8 type` (index of {@link METRIC_TYPES}),
 * `string unit`, `string help`. One list can be written in one way only.
 */

/** The type and three lengths. */
const FAMILY_BYTES = 7;

/** Throws RangeError where the names do not ascend. */
export function encodeMetadata(families: readonly FamilyMetadata[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(families.length * 96);
  if (families.length === 0) return writer.bytes();
  writer.varint(families.length);
  let before: string | undefined;
  for (const { family, type, unit, help } of families) {
    if (before !== undefined && compareText(before, family) >= 0) throw new RangeError(`metadata: ${family} does not come after ${before}`);
    before = family;
    writer.string(family);
    writer.u8(METRIC_TYPES.indexOf(type));
    writer.string(unit);
    writer.string(help);
  }
  return writer.bytes();
}

/** Families in the bytes, before they are decoded. Throws {@link FormatError}. */
export function countMetadata(bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  if (count === 0 || count > metadataLimits.families)
    throw new FormatError(`metadata: expected 1 to ${metadataLimits.families} families, got ${count}`);
  if (count > reader.remaining) throw new FormatError(`metadata: expected ${count} families, got ${reader.remaining} bytes`);
  return count;
}

/** Throws {@link FormatError} for anything that {@link encodeMetadata} would not have written. */
export function decodeMetadata(bytes: Uint8Array): readonly FamilyMetadata[] {
  const count = countMetadata(bytes);
  const families: FamilyMetadata[] = [];
  if (count === 0) return families;
  const reader = new ByteReader(bytes);
  reader.varint();
  for (let i = 0; i < count; i++) {
    const family = reader.string(metadataLimits.nameBytes);
    const type = METRIC_TYPES[reader.u8()];
    const unit = reader.string(metadataLimits.unitBytes);
    const help = reader.string(metadataLimits.helpBytes);
    const before = families[i - 1];
    if (family === '' || type === undefined) throw new FormatError(`metadata family ${i}: expected a name and a type`);
    if (before !== undefined && compareText(before.family, family) >= 0)
      throw new FormatError(`metadata family ${i}: expected names unique and sorted`);
    families.push({ family, type, help, unit });
  }
  reader.end();
  return families;
}

/** Whether {@link decodeMetadata} would read what {@link encodeMetadata} makes of these, and a push has room for them. */
export function isWritable(families: readonly FamilyMetadata[]): boolean {
  if (families.length > metadataLimits.families) return false;
  let bytes = 8;
  for (const [i, { family, type, help, unit }] of families.entries()) {
    const before = families[i - 1];
    if (before !== undefined && compareText(before.family, family) >= 0) return false;
    if (!isValidName(family) || !hasUtf8Form(help) || !hasUtf8Form(unit) || !METRIC_TYPES.includes(type)) return false;
    const sizes = [utf8Length(family), utf8Length(unit), utf8Length(help)] as const;
    const { nameBytes, unitBytes, helpBytes } = metadataLimits;
    if (sizes[0] > nameBytes || sizes[1] > unitBytes || sizes[2] > helpBytes) return false;
    bytes += sizes[0] + sizes[1] + sizes[2] + FAMILY_BYTES;
  }
  return bytes <= attachmentLimits.metadataBytesPerPush;
}
