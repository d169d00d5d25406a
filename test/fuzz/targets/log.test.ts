import { expect, it } from 'vitest';
import { ByteWriter } from '../../../contract/binary.ts';
import { crc32c } from '../../../contract/crc32c.ts';
import { Random } from '../random.ts';
import { log } from './log.ts';

/** A kept input of an earlier writer, whose records had sound checksums and other content, once stood in for records that were never lost. */
it('takes no blocks of a log that was written otherwise, since they would pass for records of this one', async () => {
  const [seed] = await log.seeds();
  if (seed === undefined) throw new Error('expected a seed');
  const foreign = foreignLog();
  const random = new Random(7);
  for (let i = 0; i < 300; i++) expect(longestRun(log.mutate(seed, foreign, random), 0xaa)).toBeLessThan(8);
  // It can fail: among its own kind blocks do wander.
  const wandered = Array.from({ length: 300 }, () => log.mutate(foreign, foreign, random));
  expect(wandered.some((input) => longestRun(input, 0xaa) > 1000)).toBe(true);
});

function foreignLog(): Uint8Array {
  const original = Uint8Array.of(0);
  const files = new ByteWriter();
  files.varint(1);
  files.string('0000000000000019.seg');
  files.block(new Uint8Array(1000).fill(0xaa));
  const writer = new ByteWriter();
  writer.u8(0);
  writer.u32(crc32c(original));
  writer.block(original);
  writer.block(files.bytes());
  return writer.bytes();
}

function longestRun(bytes: Uint8Array, value: number): number {
  let longest = 0;
  let run = 0;
  for (const byte of bytes) {
    run = byte === value ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
