import { Random } from './random.ts';
import { type FuzzTarget, must, type Outcome } from './target.ts';

/** Of one input. Inputs have 256 kB at most; reading one takes some ms. */
export interface Bounds {
  /** Processor time, of all threads. */
  readonly cpuMs: number;
  /** By how much it may raise the most memory that the process ever had. */
  readonly growthBytes: number;
}
export const defaultBounds: Bounds = { cpuMs: 2_000, growthBytes: 384 * 1024 ** 2 };
/** Of inputs that were accepted, beside the seeds. */
const POOL = 200;
const MINIMISING_CHECKS = 300;

export interface FuzzOptions {
  readonly seed: number;
  readonly goesOn: (inputs: number) => boolean;
  /** Further inputs to start from. */
  readonly kept?: readonly Uint8Array[];
  /** Hears of each input before it is tried. */
  readonly onInput?: (input: Uint8Array) => void;
  /** Ends after so many different findings; default 5. */
  readonly maxFindings?: number;
}

export interface Finding {
  /** The shortest input found that breaks the promise in this way. */
  readonly input: Uint8Array;
  readonly message: string;
}

export interface FuzzResult {
  readonly inputs: number;
  readonly accepted: number;
  readonly findings: readonly Finding[];
}

/** Tries one input under the bounds of time and memory. Throws where the promise is broken. */
export async function examine(target: FuzzTarget, input: Uint8Array, bounds = defaultBounds): Promise<Outcome> {
  const { outcome, cpuMs, grownBytes } = await measured(target, input);
  if (cpuMs > bounds.cpuMs) {
    // Once may be a compilation or a collection of garbage.
    const again = await measured(target, input);
    must(again.cpuMs <= bounds.cpuMs, `time: expected at most ${bounds.cpuMs} ms of processor time, took ${Math.round(again.cpuMs)} ms`);
  }
  must(grownBytes <= bounds.growthBytes, `memory: expected at most ${bounds.growthBytes} bytes more, took ${grownBytes}`);
  return outcome;
}

async function measured(target: FuzzTarget, input: Uint8Array): Promise<{ outcome: Outcome; cpuMs: number; grownBytes: number }> {
  const mostBefore = process.resourceUsage().maxRSS;
  const before = process.cpuUsage();
  const outcome = await target.check(input);
  const { user, system } = process.cpuUsage(before);
  return { outcome, cpuMs: (user + system) / 1000, grownBytes: (process.resourceUsage().maxRSS - mostBefore) * 1024 };
}

/** Tries the seeds, then inputs near them and near what was accepted, while `goesOn` says so. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const { goesOn, onInput = () => {}, maxFindings = 5 } = options;
  const random = new Random(options.seed);
  const seeds = [...(await target.seeds()), ...(options.kept ?? [])];
  const pool: Uint8Array[] = [];
  const findings = new Map<string, Finding>();
  let inputs = 0;
  let accepted = 0;
  const source = (): Uint8Array => random.pick(pool.length > 0 && random.chance(0.5) ? pool : seeds);
  while (goesOn(inputs) && findings.size < maxFindings) {
    const input = seeds[inputs] ?? target.mutate(source(), source(), random);
    inputs++;
    onInput(input);
    try {
      if ((await examine(target, input)) === 'refused') continue;
      accepted++;
      if (pool.length < POOL) pool.push(input);
      else pool[random.below(POOL)] = input;
    } catch (error) {
      const kind = kindOf(error);
      if (!findings.has(kind)) findings.set(kind, await minimised(target, input, kind, describe(error)));
    }
  }
  return { inputs, accepted, findings: [...findings.values()] };
}

/** Leaves out what can be left out: halves, then smaller parts. */
async function minimised(target: FuzzTarget, input: Uint8Array, kind: string, message: string): Promise<Finding> {
  let best: Finding = { input, message };
  let checks = kind.startsWith('BrokenPromise: time') ? MINIMISING_CHECKS - 10 : 0;
  for (let part = input.length >> 1; part >= 1; part >>= 1) {
    for (let at = 0; at < best.input.length && checks < MINIMISING_CHECKS; ) {
      const shorter = new Uint8Array([...best.input.subarray(0, at), ...best.input.subarray(at + part)]);
      checks++;
      try {
        await examine(target, shorter);
        at += part;
      } catch (error) {
        if (kindOf(error) === kind) best = { input: shorter, message: describe(error) };
        else at += part;
      }
    }
  }
  return best;
}

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Findings that differ only in numbers and quoted text are one. */
const kindOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.name}: ${error.message
        .replace(/"[^"]*"/g, '""')
        .replace(/\d+/g, '#')
        .slice(0, 60)}`
    : String(error);
