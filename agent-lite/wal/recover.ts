import { nextChain } from '../../contract/chain.ts';
import type { Chain, Position } from '../../contract/push.ts';
import { HEADER_BYTES } from './format.ts';
import { type Frame, FrameScanner, type ReadRange } from './frame.ts';
import type { Segment } from './segment.ts';

/**
 * What a damaged record held, where its segment has another copy of it: the writer makes some of each target, boot and table that
 * goes on being named. Nothing says which record is a copy of which, and nothing needs to: with the right one in place of the
 * damaged record, and only with it, the chain leads from the record before to the record behind.
 *
 * Undefined where there is no copy, or a neighbour is damaged too. Reads the segment twice. Rejects with `StoreError`.
 */
export async function recoverBody(segment: Segment, position: Position, type: number, read: ReadRange): Promise<Uint8Array | undefined> {
  let before: Chain | undefined = position === segment.first ? segment.before?.chain : undefined;
  let behind: Pick<Frame, 'chain' | 'body'> | undefined;
  for await (const frame of framesOf(segment, read)) {
    if (frame.position === position - 1) before = frame.chain;
    if (frame.position === position + 1) behind = { chain: frame.chain, body: frame.body.slice() };
    if (frame.position > position) break;
  }
  if (before === undefined || behind === undefined) return undefined;
  for await (const { body } of framesOf(segment, read))
    if (body[0] === type && nextChain(nextChain(before, body), behind.body) === behind.chain) return body.slice();
  return undefined;
}

async function* framesOf(segment: Segment, read: ReadRange): AsyncGenerator<Frame> {
  const scanner = new FrameScanner({
    ...{ read, seed: segment.seed, offset: HEADER_BYTES, end: segment.bytes },
    ...{ last: segment.first - 1, contiguous: true },
  });
  for (let found = await scanner.next(); found !== undefined; found = await scanner.next())
    if (found.frame !== undefined) yield found.frame;
}
