import { ExpositionError, type ExpositionParser } from './exposition.ts';
import { parseTextFormat } from './text-format.ts';

/** What the agent asks targets for. Only formats that {@link parserFor} knows. */
export const ACCEPT = 'text/plain;version=0.0.4;q=1,*/*;q=0.1';

/** By media type only, as Prometheus 3 does it; without a usable content type it refuses the scrape, and so do we. */
export function parserFor(contentType: string | undefined): ExpositionParser {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'text/plain') return parseTextFormat;
  const got = contentType === undefined || mediaType === '' ? 'none' : JSON.stringify(contentType.slice(0, 100));
  throw new ExpositionError(
    0,
    `content type: expected text/plain; version=0.0.4, got ${got}; the target must name the format of its answer in Content-Type`,
  );
}
