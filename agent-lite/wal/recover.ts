import { nextChain } from '../../contract/chain.ts';
import type { Chain, Position } from '../../contract/push.ts';
import { HEADER_BYTES } from './format.ts';
import { type Frame, FrameScanner, type ReadRange } from './frame.ts';
import type { Segment } from './segment.ts';

/**
 * What a damaged record held, where a copy of it follows in its segment: the writer makes one of each target, boot and table
 * that goes on being named. Nothing says which record is a copy of which, and nothing needs to: with the right one in place of
 * the damaged record, and only with it, the chain leads from the record before to the record behind.
 *
 * Undefined where there is no copy, or a neighbour is damaged too. Reads the segment once. Rejects with `StoreError`.
 */
export async function recoverBody(segment: Segment, position: Position, type: number, read: ReadRange): Promise<Uint8Array | undefined> {
  const scanner = new FrameScanner({
    ...{ read, seed: segment.seed, offset: HEADER_BYTES, end: segment.bytes },
    ...{ last: segment.first - 1, contiguous: true },
  });
  let before: Chain | undefined = position === segment.first ? segment.before?.chain : undefined;
  let behind: Pick<Frame, 'chain' | 'body'> | undefined;
  for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
    const { frame } = found;
    if (frame === undefined) continue;
    if (frame.position === position - 1) before = frame.chain;
    if (frame.position === position + 1) behind = { chain: frame.chain, body: frame.body.slice() };
    if (frame.position <= position) continue;
    if (before === undefined || behind === undefined) return undefined;
    const { body } = frame;
    if (body[0] === type && nextChain(nextChain(before, body), behind.body) === behind.chain) return body.slice();
  }
  return undefined;
}
