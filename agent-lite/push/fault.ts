import { FormatError } from '../../contract/binary.ts';
import { decodePush } from '../../contract/decode-push.ts';
import { likeRows } from '../../contract/like-rows.ts';
import type { WireLimits } from '../../contract/limits.ts';
import type { PushRequest } from './request.ts';

/**
 * Decodes a push as the edge does. undefined: it is fine; else what is wrong with it. It brings half of the edge's reading with it,
 * and most devices never need it: loaded with the first push that is refused.
 */
export function faultOf({ bytes, batch }: PushRequest, limits: WireLimits): string | undefined {
  try {
    for (const target of decodePush(bytes, limits).targets) {
      const inline = target.inlineForm.length > 0 ? target.decodeInline() : undefined;
      const rows = inline ?? batch.tables.get(target.table ?? '')?.rows ?? [];
      if (target.table !== undefined || inline !== undefined) target.decodeCells(rows.length, likeRows(rows));
      target.decodeExemplars(rows.length);
      target.decodeMetadata();
    }
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}
