import { growth, type MemorySample } from '../load/memory.ts';
import type { HeapSample, ProcessSample } from './samples.ts';

/**
 * What is kept after garbage collection counts as flat below this slope: compiled code goes on growing slowly for an hour or two, at
 * about 10 kB a minute. A leak of a hundred bytes for each of a soak's samples is five times as much.
 */
export const FLAT_HEAP_BYTES_PER_MINUTE = 64 * 1024;
/**
 * The process as a whole, which V8 and malloc let grow and shrink as they like: it counts as flat where a quarter of an hour at its slope
 * would not add more than 30 MiB, or where the slope is noise beside what is there. The heap above is what is judged strictly.
 */
const FLAT_BYTES_PER_MINUTE = 2 * 1024 ** 2;
const FLAT_SHARE_PER_MINUTE = 0.01;
/** One more in half an hour could be chance; a leak of one for each fault or connection is far beyond. */
const FLAT_DESCRIPTORS_PER_MINUTE = 0.5;
/** Of the time without kills; V8 takes its time to reach its size. */
const WARM_UP_SHARE = 1 / 3;
/** Shorter says nothing. */
export const LEAST_SECONDS_FOR_GROWTH = 240;
/** Pairs of samples are compared: more would only take long. */
const MOST_SAMPLES = 400;

export interface Check {
  readonly name: string;
  /** Undefined: not judged, as the run was too short or the system does not tell. */
  readonly passed: boolean | undefined;
  readonly figures: string;
}

/**
 * Whether a process grows, by the line through what was seen from `fromSeconds` on: since then nobody killed it, and the samples are
 * of its last life.
 */
export function checkGrowth(name: string, samples: readonly ProcessSample[], fromSeconds: number): readonly Check[] {
  const last = samples.at(-1);
  const calm = thinned(samples.filter(({ pid, seconds }) => pid === last?.pid && seconds >= fromSeconds));
  const spanSeconds = (last?.seconds ?? 0) - (calm[0]?.seconds ?? 0);
  const warmUp = (calm[0]?.seconds ?? 0) + spanSeconds * WARM_UP_SHARE;
  const of = (what: (sample: ProcessSample) => number): readonly MemorySample[] =>
    calm.map((one) => ({ seconds: one.seconds, bytes: what(one) }));
  const memory = growth(
    of(({ residentBytes }) => residentBytes),
    warmUp,
  );
  const descriptors = growth(
    of(({ fileDescriptors }) => fileDescriptors),
    warmUp,
  );
  if (memory === undefined || descriptors === undefined)
    return [{ name: `${name}: memory`, passed: undefined, figures: 'too few samples' }];
  const judged = spanSeconds >= LEAST_SECONDS_FOR_GROWTH;
  const most = Math.max(FLAT_BYTES_PER_MINUTE, FLAT_SHARE_PER_MINUTE * memory.medianBytes);
  const from = calm.find(({ seconds }) => seconds >= warmUp);
  return [
    {
      name: `${name}: memory does not grow`,
      passed: judged ? memory.bytesPerMinute <= most : undefined,
      figures: `median ${mib(memory.medianBytes)}, ${mib(memory.bytesPerMinute)} a minute (at most ${mib(most)}), from ${mib(from?.residentBytes ?? 0)} to ${mib(last?.residentBytes ?? 0)} in ${Math.round((last?.seconds ?? 0) - warmUp)} s`,
    },
    {
      name: `${name}: file descriptors do not grow`,
      passed: judged ? descriptors.bytesPerMinute <= FLAT_DESCRIPTORS_PER_MINUTE : undefined,
      figures: `median ${descriptors.medianBytes}, ${descriptors.bytesPerMinute.toFixed(2)} a minute, last ${last?.fileDescriptors ?? 0}`,
    },
  ];
}

function thinned<T>(items: readonly T[]): readonly T[] {
  const step = Math.ceil(items.length / MOST_SAMPLES);
  return step <= 1 ? items : items.filter((_, i) => i % step === 0 || i === items.length - 1);
}

export const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

/**
 * Whether what a process keeps grows, by the line through what was seen from `fromSeconds` on in its last life, without the first third
 * of that time: caches fill, code is compiled.
 */
export function checkHeap(name: string, samples: readonly HeapSample[], fromSeconds: number): Check {
  const last = samples.at(-1);
  const life = thinned(samples.filter(({ pid, seconds }) => pid === last?.pid && seconds >= fromSeconds));
  const begun = life[0]?.seconds ?? 0;
  const spanSeconds = (last?.seconds ?? 0) - begun;
  const warmUp = begun + spanSeconds * WARM_UP_SHARE;
  const heap = growth(life, warmUp);
  const title = `${name}: retained heap does not grow`;
  if (last === undefined || heap === undefined) return { name: title, passed: undefined, figures: 'too few samples' };
  const from = life.find(({ seconds }) => seconds >= warmUp);
  return {
    name: title,
    passed: spanSeconds >= LEAST_SECONDS_FOR_GROWTH ? heap.bytesPerMinute <= FLAT_HEAP_BYTES_PER_MINUTE : undefined,
    figures: `${(heap.bytesPerMinute / 1024).toFixed(1)} KiB a minute (at most ${FLAT_HEAP_BYTES_PER_MINUTE / 1024}), from ${mib(from?.bytes ?? 0)} to ${mib(last.bytes)} in ${Math.round(last.seconds - warmUp)} s, garbage collected`,
  };
}
