import { growth, type MemorySample } from '../load/memory.ts';
import type { HeapSample, ProcessSample } from './samples.ts';

/**
 * What is kept after garbage collection counts as flat below this slope. V8 goes on compiling for an hour: an agent that was scraped 25
 * times a second kept 0.5 MB more after 1,300 scrapes than after 300, and 0.6 MB more after 5,500, nearly all of it code. At a scrape a second
 * that is 30 kB a minute at first, and 10 later. A leak of 1.1 kB a scrape is found.
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
/** Of one life: code is compiled for longer than shorter ones last. */
export const LEAST_SECONDS_FOR_HEAP = 1140;
/** What is kept goes up and down with what waits to be sent: the least of each of these spans is looked at, which a leak lifts too. */
const FLOOR_SECONDS = 60;
/** Shorter says nothing: workerd takes 40 MiB more for two minutes where much waits at once, and gives it back. */
export const LEAST_SECONDS_FOR_GROWTH = 600;
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
  const memory = growth(floorsOf(of(({ residentBytes }) => residentBytes)), warmUp);
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
 * Whether what a process keeps grows, by the line through the least of each minute from `fromSeconds` on in its last life, without the
 * first third of that time.
 */
export function checkHeap(name: string, samples: readonly HeapSample[], fromSeconds: number): Check {
  const last = samples.at(-1);
  const life = samples.filter(({ pid, seconds }) => pid === last?.pid && seconds >= fromSeconds);
  const begun = life[0]?.seconds ?? 0;
  const spanSeconds = (last?.seconds ?? 0) - begun;
  const warmUp = begun + spanSeconds * WARM_UP_SHARE;
  const floors = floorsOf(life);
  const heap = growth(floors, warmUp);
  const title = `${name}: retained heap does not grow`;
  if (heap === undefined) return { name: title, passed: undefined, figures: 'too few samples' };
  const warm = floors.filter(({ seconds }) => seconds >= warmUp);
  return {
    name: title,
    passed: spanSeconds >= LEAST_SECONDS_FOR_HEAP ? heap.bytesPerMinute <= FLAT_HEAP_BYTES_PER_MINUTE : undefined,
    figures: `${(heap.bytesPerMinute / 1024).toFixed(1)} KiB a minute (at most ${FLAT_HEAP_BYTES_PER_MINUTE / 1024}), from ${mib(warm[0]?.bytes ?? 0)} to ${mib(warm.at(-1)?.bytes ?? 0)} in ${Math.round((last?.seconds ?? 0) - warmUp)} s, garbage collected`,
  };
}

function floorsOf(samples: readonly MemorySample[]): readonly MemorySample[] {
  const floors = new Map<number, MemorySample>();
  for (const { seconds, bytes } of samples) {
    const span = Math.floor(seconds / FLOOR_SECONDS);
    const least = floors.get(span);
    if (least === undefined || bytes < least.bytes) floors.set(span, { seconds, bytes });
  }
  return [...floors.values()];
}
