import type { Heard } from './device.ts';
import { growth } from './memory.ts';
import { type LoadResult, missing, type Part } from './run.ts';

/** At least so many pushes per second, or so much of what a Worker does that does nothing. */
export const LEAST_PUSHES_PER_SECOND = 150;
export const LEAST_OF_NOOP = 0.3;
/** Memory counts as flat where an hour at its slope would not add more than this, or where the slope is noise beside what is there. */
const FLAT_BYTES_PER_MINUTE = 2 * 1024 ** 2;
const FLAT_SHARE_PER_MINUTE = 0.01;
/** Shorter runs say nothing of memory: V8 takes its time to reach its size. */
const LEAST_SECONDS_FOR_MEMORY = 120;
const WARM_UP_SHARE = 1 / 3;
/** After the overload, of the rate before. */
const LEAST_RECOVERED = 0.7;

export interface Check {
  readonly name: string;
  /** Undefined: not judged in a run like this. */
  readonly passed: boolean | undefined;
  readonly figures: string;
}

/** What is timing (rate, memory) and what is not (errors, loss): the latter must hold on any machine. */
export interface Verdict {
  readonly exact: readonly Check[];
  readonly timed: readonly Check[];
}

export function judge(result: LoadResult): Verdict {
  const { overload, recovery } = result;
  return {
    exact: [
      errors('no error under steady load', result.steady.heard, false),
      {
        name: 'all drained after steady load',
        passed: result.steadyDrainSeconds !== undefined,
        figures: seconds(result.steadyDrainSeconds),
      },
      ...(overload === undefined
        ? []
        : [
            asksToWait(overload.heard),
            errors('no other answer over its rate', overload.heard, true),
            { name: 'all drained after it', passed: result.drainSeconds !== undefined, figures: seconds(result.drainSeconds) },
          ]),
      ...(recovery === undefined ? [] : [errors('no error afterwards', recovery.heard, true)]),
      noLoss(result),
    ],
    timed: [rate(result), memoryIsFlat(result), ...(recovery === undefined ? [] : [recovered(result)])],
  };
}

export const failures = (checks: readonly Check[]): readonly string[] =>
  checks.filter(({ passed }) => passed === false).map(({ name, figures }) => `${name}: ${figures}`);

/** Pushes per second of a part. */
const perSecond = ({ heard, seconds }: Part): number => heard.stored / seconds;
const seconds = (value: number | undefined): string => (value === undefined ? 'not in time' : `${value.toFixed(1)} s`);

function errors(name: string, heard: Heard, mayWait: boolean): Check {
  const waits = heard.asksToWait;
  const passed = heard.stored > 0 && heard.errorCount === 0 && heard.waitsWithoutTime === 0 && (mayWait || waits === 0);
  const words = heard.errors.length === 0 ? '' : `: ${heard.errors.join('; ')}`;
  return { name, passed, figures: `${heard.stored} pushes stored, ${waits} asked to wait, ${heard.errorCount} errors${words}` };
}

function asksToWait({ waits, waitsWithoutTime }: Heard): Check {
  const told = [...waits].map(([status, count]) => `${count} x ${status}`);
  return {
    name: '429 or 503 with Retry-After over its rate',
    passed: told.length > 0 && waitsWithoutTime === 0,
    figures: `${told.join(', ') || 'none'}, ${waitsWithoutTime} without Retry-After`,
  };
}

function noLoss({ counted, acknowledged, options, seriesPerDevice }: LoadResult): Check {
  const lost = missing(counted.complete, acknowledged, options.scrapes, seriesPerDevice);
  const pushes = Object.values(acknowledged).reduce((sum, count) => sum + count, 0);
  const { samples, repeats, disorder, unknown, requests } = counted;
  return {
    name: 'no loss',
    passed: lost.length === 0 && unknown === 0,
    figures:
      `${pushes} pushes acknowledged, of ${options.scrapes * seriesPerDevice} samples each: ${pushes * options.scrapes * seriesPerDevice}; ` +
      `the receiver has ${samples - repeats}, in ${requests} requests, ${repeats} of them twice, ${disorder} out of order, ${unknown} unknown` +
      lost
        .slice(0, 5)
        .map((line) => `; ${line}`)
        .join(''),
  };
}

function rate({ steady, noopPerSecond }: LoadResult): Check {
  const reached = perSecond(steady);
  const times = [...steady.heard.latencies].sort((a, b) => a - b);
  const perPush = ((steady.processorSeconds ?? Number.NaN) * 1000) / steady.heard.stored;
  const at = (share: number): string => `${(times[Math.floor(share * times.length)] ?? 0).toFixed(0)} ms`;
  return {
    name: `at least ${LEAST_PUSHES_PER_SECOND} pushes/s, or ${LEAST_OF_NOOP} of a no-op Worker`,
    passed: reached >= Math.min(LEAST_PUSHES_PER_SECOND, LEAST_OF_NOOP * noopPerSecond),
    figures:
      `${reached.toFixed(0)} pushes/s; no-op Worker ${noopPerSecond.toFixed(0)} requests/s, ratio ${(reached / noopPerSecond).toFixed(2)}; ` +
      `answered in ${at(0.5)} (median), ${at(0.99)} (99 %), ${at(0.9999)} (longest); ` +
      `workerd ${perPush.toFixed(1)} ms of processor time a push`,
  };
}

function memoryIsFlat({ memory, options }: LoadResult): Check {
  const name = 'memory of workerd flat';
  const grown = growth(memory, options.seconds * WARM_UP_SHARE);
  if (grown === undefined) return { name, passed: undefined, figures: 'the system does not tell' };
  const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  const most = Math.max(FLAT_BYTES_PER_MINUTE, FLAT_SHARE_PER_MINUTE * grown.medianBytes);
  return {
    name,
    passed: options.seconds < LEAST_SECONDS_FOR_MEMORY ? undefined : grown.bytesPerMinute <= most,
    figures:
      `median ${mib(grown.medianBytes)}, ${mib(grown.bytesPerMinute)} a minute after warm-up (${grown.samples} samples, at most ${mib(most)})` +
      `; first ${mib(memory[0]?.bytes ?? 0)}, last ${mib(memory.at(-1)?.bytes ?? 0)}`,
  };
}

function recovered({ steady, recovery }: LoadResult): Check {
  const before = perSecond(steady);
  const after = recovery === undefined ? 0 : perSecond(recovery);
  return {
    name: 'recovered',
    passed: after >= LEAST_RECOVERED * before,
    figures: `${after.toFixed(0)} pushes/s, before the overload ${before.toFixed(0)}`,
  };
}
