import { expect, it } from 'vitest';
import { defaultLoad, runLoad } from '../load/run.ts';
import { failures, judge } from '../load/verdict.ts';

/** The short form of `npm run load`: what must hold on any machine, however slow. Rate and memory are not judged here. */
it('under load and over its rate nothing is lost, whoever has to wait is told how long, and all is well afterwards', async () => {
  const lines: string[] = [];
  const options = {
    ...defaultLoad,
    connections: 16,
    seconds: 8,
    overloadSeconds: 8,
    recoverySeconds: 8,
    noopSeconds: 1,
    shardBuffer: '16MB',
  };
  const { exact } = judge(await runLoad(options, (line) => lines.push(line)));
  expect(failures(exact), lines.join('\n')).toEqual([]);
}, 600_000);
