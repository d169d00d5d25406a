/** Numbers as people read them; a dash for what is not known. */
const NONE = '–';

export function bytes(count: number | undefined): string {
  if (count === undefined) return NONE;
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = count / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function ago(ms: number | undefined): string {
  return ms === undefined ? NONE : `${duration(ms)} ago`;
}

export function duration(ms: number | undefined): string {
  if (ms === undefined) return NONE;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

export const count = (value: number | undefined): string => (value === undefined ? NONE : value.toLocaleString('en'));

export const time = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB');
