import { afterEach, expect, it } from 'vitest';
import { labelValue, METRIC_NAME } from '../../contract/labels.ts';
import { loadAdminToken } from '../../infra/local/dev-vars.ts';
import { FakeReceiver } from '../fakes/receiver.ts';
import { Cleanup } from './harness/cleanup.ts';
import { NODE, Program, ROOT } from './harness/program.ts';
import { ScriptedTarget } from './harness/scripted-target.ts';
import { AgentUnderTest, EdgeUnderTest, quickRelayConfig, staticJob } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/** From a refused sample to its arrival, by `npm run relay` as an operator types it. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function relay(edge: EdgeUnderTest, ...args: readonly string[]) {
  const program = await Program.start('relay', NODE, ['infra/relay-cli/main.ts', 'dead-letters', ...args, `--edge=${edge.url}`]);
  return { code: await program.exited(), output: program.output };
}

it('a refused series becomes dead letters, which are shown, and replayed once the receiver can take them', async () => {
  let refusing = true;
  const receiver = new FakeReceiver({
    kind: 'prometheus',
    outOfOrderTimeWindowMs: 3_600_000,
    refuses: (labels) => refusing && labelValue(labels, METRIC_NAME) === 'poison',
  });
  const { url, close } = await receiver.listen();
  cleanup.add(close);
  const edge = await EdgeUnderTest.start(cleanup, url);
  const target = await ScriptedTarget.start((number) => `poison{kind="bad"} ${number}\ngood ${number}\n`);
  cleanup.add(() => target.stop());
  const agent = await AgentUnderTest.prepare(cleanup, { scrapeConfigs: staticJob('poisoned', target.address), edgeUrl: edge.url });
  await agent.start();
  const taken = (name: string): readonly number[] =>
    [...receiver.tenant('').series.values()]
      .filter(({ labels }) => labelValue(labels, METRIC_NAME) === name)
      .flatMap(({ samples }) => samples.map(({ ms }) => ms));
  const describe = (): string => `${agent.program.describe()}\n${edge.program.describe()}`;
  await waitFor('good samples to arrive past the refused ones', () => taken('good').length >= 3, 60_000, describe);
  expect(await agent.program.stop()).toBe(0);
  const drained = async () => /relay_buffer_objects\{[^}]*\} 0/.test(await edge.metrics());
  await waitFor('the edge to have forwarded the rest', drained, 60_000, describe);
  expect(taken('poison')).toEqual([]);

  const listed = await relay(edge, 'list', '--tenant', 'acme', '--json');
  expect(listed.code, listed.output).toBe(0);
  const letters = listed.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; samples: number; devices: string[]; status: number });
  expect(letters.length).toBeGreaterThan(0);
  for (const letter of letters) expect(letter).toMatchObject({ devices: ['gw-1'], status: 400, reason: 'refused' });
  const refused = letters.reduce((sum, { samples }) => sum + samples, 0);
  expect(await edge.metrics()).toContain(`relay_dead_letters_total{`);

  const id = letters[0]?.id ?? '';
  const shown = await relay(edge, 'show', id);
  expect(shown.output).toMatch(/\npoison\{.*device_id="gw-1".*kind="bad".*\} 1 \d{13}\n/);

  // The receiver would take them now, but relay.yml says that it takes nothing late.
  refusing = false;
  const early = await relay(edge, 'replay', id);
  expect([early.code, early.output]).toEqual([1, expect.stringContaining('takes no late samples (out_of_order_time_window is 0s)')]);
  expect(taken('poison')).toEqual([]);

  await edge.stop();
  await edge.configure(
    quickRelayConfig.replace('kind: prometheus', '$&\n    out_of_order_time_window: 1h').replace('shard:', '$&\n  lanes: 1'),
  );
  await edge.start();
  const replayed = await relay(edge, 'replay', '--all', '--tenant', 'acme');
  expect(replayed.code, replayed.output).toBe(0);
  expect(new Set(taken('poison')).size).toBe(refused);
  expect((await relay(edge, 'list')).output).toBe('No dead letters.\n');

  const token = await loadAdminToken(`${ROOT}/.dev.vars`);
  const answer = await fetch(`${edge.url}/api/v1/admin/dead-letters`, { headers: { authorization: `Bearer ${token.slice(1)}` } });
  expect(answer.status).toBe(401);
});
