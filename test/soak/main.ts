import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readFlags, runCommand, UsageError } from '../../infra/local/arguments.ts';
import { machine } from '../bench/measure.ts';
import { plot } from './plot.ts';
import { soak } from './run.ts';
import type { Check } from './verdict.ts';

const USAGE = `npm run soak -- --minutes N [--agents 3] [--seed S] [--plot .local/soak.svg]

The whole chain on this machine: agents as real processes with targets of their own, the edge in workerd, a receiver as strict as a
Prometheus without out-of-order window. Agents and edge are killed, the receiver fails, networks are cut, disks are full, all at random
times that follow from the seed. After a third of the time nothing is killed any more, and the first agent never is, so that memory and file
descriptors can be judged; what is kept after garbage collection only in lives of 19 minutes and more, so give it 30.
At the end everything that the targets handed out is looked for at the receiver, to the bit and the millisecond.
Says a verdict, writes a plot, exits with 1 where something failed. The ledger is kept in memory: about 100 MiB an hour and agent.`;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    {
      minutes: { type: 'string', default: '5' },
      agents: { type: 'string', default: '3' },
      seed: { type: 'string' },
      plot: { type: 'string', default: '.local/soak.svg' },
    },
    process.argv.slice(2),
  );
  const minutes = Number(flags.minutes);
  if (!(minutes > 0 && minutes <= 10_000)) throw new UsageError(`--minutes: expected a number above 0, got "${flags.minutes}"`);
  const agents = Number(flags.agents);
  if (!(Number.isInteger(agents) && agents >= 1 && agents <= 50)) throw new UsageError(`--agents: expected 1 to 50, got "${flags.agents}"`);
  const seed = flags.seed ?? String(Date.now());
  const { cpu, cores, node, platform } = machine();
  console.log(`soak: ${minutes} min, ${agents} agents, seed ${seed}; ${cpu}, ${cores} cores, ${platform}, Node ${node}`);
  const { checks, plot: data } = await soak({ seconds: minutes * 60, agents, seed, say: (line) => console.log(line) });
  console.log(`\n${checks.map(line).join('\n')}`);
  const file = resolve(flags.plot);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, plot(data));
  const failed = checks.filter(({ passed }) => passed === false);
  console.log(`\nplot: ${file}`);
  console.log(failed.length === 0 ? 'soak: passed' : `soak: FAILED, ${failed.length} of ${checks.length}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
});

function line({ name, passed, figures }: Check): string {
  const word = passed === undefined ? '-' : passed ? 'ok' : 'FAILED';
  return `${word.padEnd(8)}${name}\n        ${figures}`;
}
