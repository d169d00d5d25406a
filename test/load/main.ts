import { readFlags, runCommand, UsageError } from '../../infra/local/arguments.ts';
import { machine } from '../bench/measure.ts';
import { defaultLoad, type LoadOptions, runLoad } from './run.ts';
import { type Check, failures, judge } from './verdict.ts';

const USAGE = `npm run load [-- --seconds 300] [--connections 64] [--overload-seconds 60] [--recovery-seconds 30] [--noop-seconds 10]

Devices push 1000 series x 4 samples as fast as they are answered, one on each connection, to the edge in workerd on this machine; a
receiver counts exactly what comes. First at a receiver that keeps up, then at one that is too slow, then at the first again. Needs two
cores of its own: says what was measured, judges it, and exits with 1 where something failed.`;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    {
      seconds: { type: 'string' },
      connections: { type: 'string' },
      'overload-seconds': { type: 'string' },
      'recovery-seconds': { type: 'string' },
      'noop-seconds': { type: 'string' },
    },
    process.argv.slice(2),
  );
  const count = (flag: keyof typeof flags, unset: number, least: number): number => {
    const text = flags[flag];
    if (text === undefined) return unset;
    if (!/^\d{1,6}$/.test(text) || Number(text) < least)
      throw new UsageError(`--${flag}: expected a whole number from ${least} on, got "${text}"`);
    return Number(text);
  };
  const options: LoadOptions = {
    ...defaultLoad,
    seconds: count('seconds', defaultLoad.seconds, 1),
    connections: count('connections', defaultLoad.connections, 1),
    overloadSeconds: count('overload-seconds', defaultLoad.overloadSeconds, 0),
    recoverySeconds: count('recovery-seconds', defaultLoad.recoverySeconds, 0),
    noopSeconds: count('noop-seconds', defaultLoad.noopSeconds, 1),
  };
  const { cpu, cores, node, platform } = machine();
  console.log(`load: ${cpu}, ${cores} cores, ${platform}, Node ${node}`);
  const { exact, timed } = judge(await runLoad(options, (line) => console.log(line)));
  const checks = [...exact, ...timed];
  console.log(`\n${checks.map(line).join('\n')}`);
  const failed = failures(checks);
  console.log(failed.length === 0 ? '\nload: passed' : `\nload: FAILED, ${failed.length} of ${checks.length}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
});

function line({ name, passed, figures }: Check): string {
  const word = passed === undefined ? 'not judged' : passed ? 'ok' : 'FAILED';
  return `${word.padEnd(11)}${name}\n           ${figures}`;
}
