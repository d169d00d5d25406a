import { setFlagsFromString } from 'node:v8';

/** All targets' first scrapes and the first pushes are over, as a rule. */
const START_MS = 90_000;

/** What it takes of the process. */
export interface V8 {
  readonly version: string;
  readonly setFlags: (flags: string) => void;
  readonly later: (then: () => void, ms: number) => void;
}

/**
 * Has V8 spare memory while the agent starts: each target's first scrape leaves some megabytes of garbage, and what the heap once took for
 * them it keeps. Afterwards there is little garbage, and sparing would only cost a tenth more CPU. Only where V8 has the mode and
 * it was measured: with Node 24, by 10 MB; an older one complains of a flag that it does not know.
 */
export function startLean({ version, setFlags, later }: V8 = ownV8): void {
  if (!version.startsWith('13.')) return;
  setFlags('--memory-saver-mode');
  later(() => setFlags('--no-memory-saver-mode'), START_MS);
}

const ownV8: V8 = {
  version: process.versions.v8,
  setFlags: setFlagsFromString,
  later: (then, ms) => void setTimeout(then, ms).unref(),
};
