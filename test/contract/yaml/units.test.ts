import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { suggest } from '../../../contract/yaml/suggest.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../contract/yaml/units.ts';

describe('parseDuration', () => {
  const cases: [text: string, ms: number | undefined][] = [
    ['0', 0],
    ['0s', 0],
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1y2w3d4h5m6s7ms', 31_536_000_000 + 14 * 86_400_000 + 3 * 86_400_000 + 4 * 3_600_000 + 5 * 60_000 + 6_007],
    ['292y', 292 * 31_536_000_000],
    ['293y', undefined],
    ['', undefined],
    ['30', undefined],
    ['1.5h', undefined],
    ['30m1h', undefined],
    ['1s1s', undefined],
    ['-1s', undefined],
    [' 1s', undefined],
    ['1S', undefined],
    ['1\u00b5s', undefined],
  ];
  it.each(cases)('%j is %j ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  it.each([
    [0, '0s'],
    [90_000, '1m30s'],
    [86_400_000, '1d'],
    [604_800_000, '1w'],
    [604_800_001, '7d1ms'],
  ])('%i ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
  it('reads what it writes', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe('parseSize', () => {
  const cases: [text: string, bytes: number | undefined][] = [
    ['0', 0],
    ['1B', 1],
    ['1KB', 1024],
    ['1KiB', 1024],
    ['10MB', 10 * 1024 ** 2],
    ['512MiB', 512 * 1024 ** 2],
    ['1.5GB', 1.5 * 1024 ** 3],
    ['2TB', 2 * 1024 ** 4],
    ['8EB', undefined],
    ['', undefined],
    ['100', undefined],
    ['1kB', undefined],
    ['1M', undefined],
    ['-1MB', undefined],
    ['1 MB', undefined],
    ['.5MB', undefined],
  ];
  it.each(cases)('%j is %j bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
  it('reads what it writes', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });
});

describe('suggest', () => {
  const known = ['scrape_interval', 'scrape_timeout', 'job_name', 'url'];
  it.each([
    ['scrape_intervall', 'scrape_interval'],
    ['scrapeinterval', 'scrape_interval'],
    ['jobname', 'job_name'],
    ['ulr', undefined],
    ['uri', 'url'],
    ['completely_else', undefined],
    ['x', undefined],
  ])('%s: %s', (name, meant) => {
    expect(suggest(name, known)).toBe(meant);
  });
});
