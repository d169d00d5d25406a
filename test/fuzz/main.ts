import { relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import { readFlags, runCommand, UsageError } from '../../infra/local/arguments.ts';
import { keep, keptInputs } from './kept.ts';
import { MAX_INPUT_BYTES } from './mutate-bytes.ts';
import type { FuzzResult } from './run.ts';
import type { FuzzTarget } from './target.ts';
import { fuzzTargets } from './targets.ts';
import type { FuzzJob } from './worker.ts';

const USAGE = `npm run fuzz -- --minutes N [--only NAME[,NAME]] [--seed S]

Feeds changed inputs to everything that reads bytes from outside, N minutes in all, shared among the targets. What breaks a promise is
made as short as possible and kept in test/fuzz/regressions, where every run of the tests tries it again; the exit code is then 1.
  --minutes  default 1; fractions are welcome
  --only     these targets: ${fuzzTargets.map(({ name }) => name).join(', ')}
  --seed     default: today's date as a number, printed`;

/** An input that takes longer never ends. */
const HANG_MS = 30_000;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    { minutes: { type: 'string', default: '1' }, only: { type: 'string' }, seed: { type: 'string' } },
    process.argv.slice(2),
  );
  const minutes = Number(flags.minutes);
  if (!(minutes > 0 && minutes <= 10_000)) throw new UsageError(`--minutes: expected a number above 0, got "${flags.minutes}"`);
  const seed = Number(flags.seed ?? new Date().toISOString().slice(0, 10).replaceAll('-', ''));
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed: expected a whole number, got "${flags.seed}"`);
  const targets = chosen(flags.only);
  console.log(`fuzz: ${targets.length} targets, ${minutes} min, seed ${seed}`);
  let findings = 0;
  for (const target of targets) {
    const { inputs, accepted, findings: found } = await run(target, seed, (minutes * 60_000) / targets.length);
    console.log(
      `${target.name.padEnd(16)}${String(inputs).padStart(9)} inputs ${String(accepted).padStart(9)} accepted  ${found.length} findings`,
    );
    for (const { input, message } of found) {
      findings++;
      console.log(`  ${relative(process.cwd(), await keep(target.name, input))} (${input.length} bytes), which breaks: ${target.promise}`);
      console.log(message.replace(/^/gm, '    '));
    }
  }
  console.log(findings === 0 ? '\nfuzz: nothing found' : `\nfuzz: FAILED, ${findings} findings`);
  process.exitCode = findings === 0 ? 0 : 1;
});

function chosen(only: string | undefined): readonly FuzzTarget[] {
  if (only === undefined) return fuzzTargets;
  return only.split(',').map((name) => {
    const target = fuzzTargets.find((one) => one.name === name);
    if (target === undefined) throw new UsageError(`--only: there is no target ${JSON.stringify(name)}`);
    return target;
  });
}

/** In a thread of its own, which is ended if an input never ends. */
async function run(target: FuzzTarget, seed: number, ms: number): Promise<FuzzResult> {
  const shared = new SharedArrayBuffer(8 + MAX_INPUT_BYTES);
  const head = new Int32Array(shared, 0, 2);
  const kept = (await keptInputs(target.name)).map(({ input }) => input);
  const job: FuzzJob = { target: target.name, seed, ms, kept, shared };
  const thread = new Worker(new URL('./worker.ts', import.meta.url), { workerData: job });
  return new Promise<FuzzResult>((done, failed) => {
    let [number, sinceMs] = [-1, performance.now()];
    const watch = setInterval(() => {
      const now = Atomics.load(head, 0);
      if (now !== number) [number, sinceMs] = [now, performance.now()];
      else if (performance.now() - sinceMs > HANG_MS && number > 0) {
        const input = new Uint8Array(shared).slice(8, 8 + Atomics.load(head, 1));
        end({ inputs: number, accepted: 0, findings: [{ input, message: `no end within ${HANG_MS} ms` }] });
        void thread.terminate();
      }
    }, 500);
    const end = (result: FuzzResult): void => {
      clearInterval(watch);
      done(result);
    };
    thread.once('message', end);
    thread.once('error', (error) => {
      clearInterval(watch);
      failed(error);
    });
  });
}
