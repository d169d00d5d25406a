import { ByteWriter } from '../../../contract/binary.ts';
import { histogram, STALE, sample } from '../../fakes/write-requests.ts';

type Field = readonly [number: number, value: number | Uint8Array];

/** A message of fields: a number as a varint, bytes with their length. */
function message(...fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (const [field, value] of fields) {
    writer.varint(field * 8 + (typeof value === 'number' ? 0 : 2));
    if (typeof value === 'number') writer.varint(value);
    else writer.block(value);
  }
  return writer.bytes();
}

const TIME = 1_700_000_000_000;
const symbols = (...texts: readonly string[]): readonly Field[] => texts.map((text) => [4, new TextEncoder().encode(text)]);
const refs = (...references: readonly number[]): Field => [1, Uint8Array.from(references)];
const doubleOne = Uint8Array.of(0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f);
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Requests of remote write 2.0 as senders make them. */
export const requestsV2: Readonly<Record<'rich' | 'plain' | 'empty', Uint8Array>> = {
  rich: message(
    ...symbols('', '__name__', 'm_total', 'b', 'x', 'trace_id', 'help', 'bytes', 'h'),
    [
      5,
      message(
        refs(3, 4, 1, 2),
        [2, joined(sample(TIME, STALE), message([3, TIME - 5]))],
        [2, sample(TIME + 1, -0)],
        [4, joined(message(refs(5, 4)), doubleOne, message([3, TIME]))],
        [5, message([1, 1], [3, 6], [4, 7])],
      ),
    ],
    [5, message(refs(1, 8), [3, histogram(TIME)])],
  ),
  plain: message(...symbols('', '__name__', 'up', 'job', 'x'), [5, message(refs(1, 2, 3, 4), [2, sample(TIME, 1)])]),
  empty: message(...symbols('')),
};
