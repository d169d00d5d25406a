import { readFile } from 'node:fs/promises';

export interface MemorySample {
  /** Seconds since the load began. */
  readonly seconds: number;
  readonly bytes: number;
}

export interface Growth {
  /** By the line through what was sampled after the warm-up; negative where it shrank. */
  readonly bytesPerMinute: number;
  readonly medianBytes: number;
  readonly samples: number;
}

/** Resident memory of a process (Linux), or undefined where the system does not tell. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/**
 * Theil-Sen: the median of the slopes of all pairs. A garbage collection at either end does not move it, as it would the usual line.
 * @returns undefined for fewer than two samples after the warm-up
 */
export function growth(samples: readonly MemorySample[], warmUpSeconds: number): Growth | undefined {
  const warm = samples.filter(({ seconds }) => seconds >= warmUpSeconds);
  const slopes: number[] = [];
  for (const [i, a] of warm.entries()) for (const b of warm.slice(i + 1)) slopes.push((b.bytes - a.bytes) / (b.seconds - a.seconds));
  if (slopes.length === 0) return undefined;
  return { bytesPerMinute: middle(slopes) * 60, medianBytes: middle(warm.map(({ bytes }) => bytes)), samples: warm.length };
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}
