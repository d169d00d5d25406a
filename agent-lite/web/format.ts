/** Numbers as people read them on a phone. */

const STEPS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** `3 d 4 h`, `12 s`, `45 ms`: the two greatest units, rounded down. */
export function formatDuration(ms: number): string {
  const rest = Math.abs(ms);
  if (rest < 1000) return `${Math.round(rest)} ms`;
  const first = STEPS.findIndex(([unit]) => rest >= unit);
  const [unit, name] = STEPS[first] as (typeof STEPS)[number];
  const text = `${Math.floor(rest / unit)} ${name}`;
  const [smaller, smallerName] = STEPS[first + 1] ?? [0, ''];
  const left = smaller === 0 ? 0 : Math.floor((rest % unit) / smaller);
  return left === 0 ? text : `${text} ${left} ${smallerName}`;
}

export const formatAge = (ms: number | undefined): string => (ms === undefined ? 'never' : `${formatDuration(Math.max(0, ms))} ago`);

/** `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 'B';
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value < 10 && unit !== 'B' ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)} ${unit}`;
}

/** `12 345`, thousands apart by a thin space that does not break. */
export const formatCount = (count: number): string => String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
