import { describe, expect, it } from 'vitest';
import type { ScrapeProtocol } from '../../../agent-lite/config/types.ts';
import { acceptHeader, parserFor } from '../../../agent-lite/scrape/formats.ts';
import { mediaType } from '../../../agent-lite/scrape/media-type.ts';
import { parseOpenMetrics } from '../../../agent-lite/scrape/open-metrics.ts';
import { parseTextFormat } from '../../../agent-lite/scrape/text-format.ts';

describe('the Accept header', () => {
  const all: ScrapeProtocol[] = ['OpenMetricsText1.0.0', 'OpenMetricsText0.0.1', 'PrometheusText1.0.0', 'PrometheusText0.0.4'];
  it.each<[string, ScrapeProtocol[], 'allow-utf-8' | 'underscores', string]>([
    [
      'the default',
      all,
      'allow-utf-8',
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    ],
    ['one', ['PrometheusText0.0.4'], 'allow-utf-8', 'text/plain;version=0.0.4;q=0.6,*/*;q=0.5'],
    [
      'another escaping',
      ['PrometheusText1.0.0', 'OpenMetricsText0.0.1'],
      'underscores',
      'text/plain;version=1.0.0;escaping=underscores;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,*/*;q=0.4',
    ],
  ])('%s', (_, scrapeProtocols, metricNameEscapingScheme, header) => {
    expect(acceptHeader({ scrapeProtocols, metricNameEscapingScheme })).toBe(header);
  });
});

describe('the parser', () => {
  it.each([
    ['text/plain', parseTextFormat],
    ['text/plain; version=0.0.4; charset=utf-8', parseTextFormat],
    ['Text/Plain;version=1.0.0;escaping=allow-utf-8', parseTextFormat],
    ['text/plain;', parseTextFormat],
    ['application/openmetrics-text', parseOpenMetrics],
    ['application/openmetrics-text; version=0.0.1; charset=utf-8', parseOpenMetrics],
    [' application/openmetrics-text ; version="1.0.0"', parseOpenMetrics],
  ])('for %s, whatever the fallback', async (type, parser) => {
    expect(await parserFor(type, undefined)).toBe(parser);
    expect(await parserFor(type, 'PrometheusText0.0.4')).toBe(parser);
    expect(await parserFor(type, 'OpenMetricsText1.0.0')).toBe(parser);
  });
  it.each([
    [undefined, 'got none; let the target name the format of its answer in Content-Type, or set fallback_scrape_protocol'],
    ['', 'got none'],
    ['text/html; charset=utf-8', 'got "text/html; charset=utf-8"'],
    ['text', 'got "text"'],
    ['text/plain; charset', 'got "text/plain; charset"'],
    ['text/plain; a=1; a=2', 'got "text/plain; a=1; a=2"'],
    ['application/openmetrics', 'got "application/openmetrics"'],
  ])('none for %s, unless there is a fallback', async (type, got) => {
    await expect(parserFor(type, undefined)).rejects.toThrow(got);
    expect(await parserFor(type, 'PrometheusText1.0.0')).toBe(parseTextFormat);
    expect(await parserFor(type, 'OpenMetricsText0.0.1')).toBe(parseOpenMetrics);
  });
  it('protobuf is recognised, so no fallback helps', async () => {
    const type = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
    await expect(parserFor(type, 'PrometheusText0.0.4')).rejects.toThrow('the agent did not ask for protobuf and cannot read it');
  });
});

describe('media types', () => {
  it.each([
    ['text/plain', 'text/plain'],
    ['TEXT/PLAIN', 'text/plain'],
    ['text/plain; a="b;c=\\"d\\""; e=f', 'text/plain'],
    ['text/plain ; A = b', 'text/plain'],
    ['text/plain; a=1; A=1', 'text/plain'],
    ['text/plain ; ', 'text/plain'],
    ['text', 'text'],
    ['text/', undefined],
    ['/plain', undefined],
    ['text/plain/x', undefined],
    ['te xt/plain', undefined],
    ['text/plain; a', undefined],
    ['text/plain; a=', undefined],
    ['text/plain; ;', undefined],
    ['text/plain, text/html', undefined],
    ['text/plain; a="b', undefined],
    ['', undefined],
  ])('%s', (header, type) => {
    expect(mediaType(header)).toBe(type);
  });
});
