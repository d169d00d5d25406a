/** Prometheus' notations for durations and sizes. Both functions return undefined for anything else. */

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const DAY = 86_400_000;
const UNITS_MS = [365 * DAY, 7 * DAY, DAY, 3_600_000, 60_000, 1000, 1];
/** Prometheus counts in nanoseconds of 64 bits, about 292 years. */
const MAX_DURATION_MS = 9_223_372_036_854;

/** `1h30m`, `250ms`, `0`: common/model `ParseDuration`. Units in descending order, each once, whole numbers. Returns ms. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const found = text === '' ? null : DURATION.exec(text);
  if (found === null) return undefined;
  const ms = UNITS_MS.reduce((sum, unit, i) => sum + Number(found[i + 1] ?? 0) * unit, 0);
  return ms <= MAX_DURATION_MS ? ms : undefined;
}

/** `90000` becomes `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const names = ['y', 'w', 'd', 'h', 'm', 's', 'ms'];
  let rest = ms;
  let text = '';
  for (const [i, unit] of UNITS_MS.entries()) {
    const count = Math.floor(rest / unit);
    // Years and weeks only where they come out even, as Prometheus writes them.
    if (count === 0 || (i < 2 && rest % unit !== 0)) continue;
    text += `${count}${names[i]}`;
    rest -= count * unit;
  }
  return text;
}

const SIZE = /^(\d+(?:\.\d+)?)(?:([KMGTPE])i?)?B$/;
const PREFIXES = 'KMGTPE';

/** `512MiB`, `10MB`, `1.5GB`, `0`: units.Base2Bytes, so KB is 1024 bytes as KiB is. Returns bytes, a whole number. */
export function parseSize(text: string): number | undefined {
  if (text === '0') return 0;
  const found = SIZE.exec(text);
  if (found === null) return undefined;
  const exponent = found[2] === undefined ? 0 : PREFIXES.indexOf(found[2]) + 1;
  const bytes = Math.floor(Number(found[1]) * 1024 ** exponent);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `536870912` becomes `512MiB`: the largest unit that leaves a whole number. */
export function formatSize(bytes: number): string {
  let rest = bytes;
  let exponent = 0;
  while (rest !== 0 && rest % 1024 === 0 && exponent < PREFIXES.length) {
    rest /= 1024;
    exponent++;
  }
  return exponent === 0 ? `${rest}B` : `${rest}${PREFIXES[exponent - 1]}iB`;
}
