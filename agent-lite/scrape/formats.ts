import type { ScrapeConfig, ScrapeProtocol } from '../config/types.ts';
import { ExpositionError, type ExpositionParser } from './exposition.ts';
import { mediaType } from './media-type.ts';
import { parseTextFormat } from './text-format.ts';

interface Format {
  readonly mediaType: 'text/plain' | 'application/openmetrics-text';
  readonly version: string;
  /** Whether the format lets the scraper say how it wants names that are not legacy ones. */
  readonly escaping: boolean;
}
const FORMATS: Readonly<Record<ScrapeProtocol, Format>> = {
  'OpenMetricsText1.0.0': { mediaType: 'application/openmetrics-text', version: '1.0.0', escaping: true },
  'OpenMetricsText0.0.1': { mediaType: 'application/openmetrics-text', version: '0.0.1', escaping: false },
  'PrometheusText1.0.0': { mediaType: 'text/plain', version: '1.0.0', escaping: true },
  'PrometheusText0.0.4': { mediaType: 'text/plain', version: '0.0.4', escaping: false },
};
const PARSERS: Readonly<Record<Format['mediaType'], () => ExpositionParser | Promise<ExpositionParser>>> = {
  'text/plain': () => parseTextFormat,
  'application/openmetrics-text': loadOpenMetrics,
};

/** Few pages have a target that writes OpenMetrics: loaded before the first exposition in it. What could not be had is tried again. */
async function loadOpenMetrics(): Promise<ExpositionParser> {
  try {
    return (await import('./open-metrics.ts')).parseOpenMetrics;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExpositionError(0, `content type: the parser of OpenMetrics cannot be loaded: ${why}`, { cause });
  }
}

/** Weight of the format asked for first, in tenths: Prometheus counts down from one more than the formats it knows. */
const FIRST_WEIGHT = 6;

/** The Accept header of a scrape as Prometheus 3 builds it; scrape/scrape.go `acceptHeader`. */
export function acceptHeader({
  scrapeProtocols,
  metricNameEscapingScheme,
}: Pick<ScrapeConfig, 'scrapeProtocols' | 'metricNameEscapingScheme'>): string {
  const wanted = scrapeProtocols.map((protocol, i) => {
    const format = FORMATS[protocol];
    const escaping = format.escaping ? `;escaping=${metricNameEscapingScheme}` : '';
    return `${format.mediaType};version=${format.version}${escaping};q=0.${FIRST_WEIGHT - i}`;
  });
  return [...wanted, `*/*;q=0.${FIRST_WEIGHT - scrapeProtocols.length}`].join(',');
}

/**
 * The parser for an answer, by its media type only, as Prometheus 3 chooses it: the version decides nothing. `fallback` is
 * used where the header is missing, broken or names another type. Rejects with {@link ExpositionError}.
 */
export async function parserFor(contentType: string | undefined, fallback: ScrapeProtocol | undefined): Promise<ExpositionParser> {
  const type = contentType === undefined ? undefined : mediaType(contentType);
  if (type === 'text/plain' || type === 'application/openmetrics-text') return PARSERS[type]();
  const got = contentType === undefined || contentType === '' ? 'none' : JSON.stringify(contentType.slice(0, 100));
  if (type === 'application/vnd.google.protobuf')
    throw new ExpositionError(0, `content type: expected ${TEXT_TYPES}, got ${got}; the agent did not ask for protobuf and cannot read it`);
  if (fallback !== undefined) return PARSERS[fallback.startsWith('OpenMetrics') ? 'application/openmetrics-text' : 'text/plain']();
  throw new ExpositionError(
    0,
    `content type: expected ${TEXT_TYPES}, got ${got}; let the target name the format of its answer in Content-Type, or set fallback_scrape_protocol`,
  );
}

const TEXT_TYPES = 'text/plain or application/openmetrics-text';
