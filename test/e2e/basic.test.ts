import { afterEach, describe, expect, it } from 'vitest';
import { Cleanup } from './harness/cleanup.ts';
import { compare, type Scraped } from './harness/delivered.ts';
import { needProgram } from './harness/installed.ts';
import { freePort, Program } from './harness/program.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { DisturbingProxy } from './harness/proxy.ts';
import { ScriptedTarget } from './harness/scripted-target.ts';
import { AgentUnderTest, CLUSTER, DEVICE, EdgeUnderTest, IDENTITY, staticJob, targetLabels } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/** The main path with real programs at both ends: node_exporter, agent-lite, the edge in workerd, Prometheus. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const INTERVAL_MS = 5000;
const DURATION_MS = 120_000;
const VALUES = ['1', '-0', 'NaN', '+Inf', '-Inf', '0.1', '5e-324', '1.7976931348623157e+308', '123456789012345678', '-1.5'];

/** Ten values that are hard to carry, one series that comes and goes, label values that need escapes; the tenth scrape fails. */
function exposition(number: number): string | undefined {
  if (number === 10) return undefined;
  const lines = ['# HELP odd_value Values that are hard to carry.', '# TYPE odd_value gauge'];
  for (let i = 0; i < VALUES.length; i++) lines.push(`odd_value{i="${i}"} ${VALUES[(i + number) % VALUES.length]}`);
  lines.push('# TYPE steps_total counter', `steps_total ${number}`);
  if (number % 4 < 2) lines.push(`comes_and_goes{path="C:\\\\dir\\n\\"quoted\\"",unit="\u00b5s"} ${number}`);
  return `${lines.join('\n')}\n`;
}

describe('two minutes at an interval of 5 s', () => {
  it(
    'Prometheus has every sample of node_exporter and of an odd target, bit for bit, markers included',
    async (context) => {
      const prometheusPath = needProgram(context, 'prometheus');
      const exporterPath = needProgram(context, 'prometheus-node-exporter');
      const startMs = Date.now();
      const prometheus = await startPrometheus(cleanup, prometheusPath);
      const exporterPort = await freePort();
      const exporter = await Program.start('node_exporter', exporterPath, [`--web.listen-address=127.0.0.1:${exporterPort}`]);
      cleanup.add(() => exporter.stop());
      await waitFor('node_exporter', async () => (await fetch(`http://127.0.0.1:${exporterPort}/metrics`)).ok);
      // The agent scrapes the exporter through this, and it keeps what it passed on.
      const recorder = await DisturbingProxy.start(`http://127.0.0.1:${exporterPort}`);
      cleanup.add(() => recorder.stop());
      const odd = await ScriptedTarget.start(exposition);
      cleanup.add(() => odd.stop());
      const edge = await EdgeUnderTest.start(cleanup, prometheus.writeUrl);
      const agent = await AgentUnderTest.start(cleanup, {
        scrapeConfigs: staticJob('node', recorder.address) + staticJob('odd', odd.address),
        edgeUrl: edge.url,
        scrapeInterval: `${INTERVAL_MS / 1000}s`,
        pushInterval: '5s',
      });

      const scrapes = DURATION_MS / INTERVAL_MS;
      await waitFor(
        `${scrapes} scrapes of each target`,
        // Whole ones: an exchange is listed when it begins.
        () =>
          recorder.exchanges.filter(({ responseBody }) => responseBody !== undefined).length >= scrapes && odd.handedOut.length >= scrapes,
        DURATION_MS + 30_000,
        () => agent.program.describe(),
      );
      const nodeScraped: readonly Scraped[] = recorder.exchanges
        .filter(({ responseBody }) => responseBody !== undefined)
        .map(({ askedMs, responseBody }) => ({ askedMs, text: responseBody?.toString('utf8') }));
      const oddScraped = [...odd.handedOut];

      const nodeLabels = targetLabels('node', recorder.address);
      const look = async (job: string, address: string, scraped: readonly Scraped[]) =>
        compare({
          scraped,
          delivered: await prometheus.read({ job }, startMs - 60_000, Date.now() + 60_000),
          labels: targetLabels(job, address),
          zeroHasNoSign: true,
        });
      await waitFor(
        'everything to arrive at Prometheus',
        async () =>
          (await look('node', recorder.address, nodeScraped)).faults.length === 0 &&
          (await look('odd', odd.address, oddScraped)).faults.length === 0,
        20_000,
      ).catch(() => {
        // The comparison below says what is missing.
      });
      const node = await look('node', recorder.address, nodeScraped);
      const oddOutcome = await look('odd', odd.address, oddScraped);
      expect(node.faults, `${agent.program.describe()}\n${edge.program.describe()}`).toEqual([]);
      expect(oddOutcome.faults).toEqual([]);
      expect(node.scrapes).toBeGreaterThanOrEqual(scrapes);
      expect(node.samples).toBeGreaterThan(scrapes * 300);
      expect(oddOutcome.markers).toBeGreaterThan(8);

      // As an operator would ask.
      const up = await prometheus.query(`up{cluster="${CLUSTER}"}`);
      expect(up.map(({ metric }) => [metric['job'], metric[IDENTITY]])).toEqual(
        expect.arrayContaining([
          ['node', DEVICE],
          ['odd', DEVICE],
          ['agent-lite', DEVICE],
        ]),
      );
      expect(await prometheus.query(`node_load1{cluster="${CLUSTER}"}`)).toMatchObject([{ metric: nodeLabels }]);
      // Remote read cannot show the sign of -0; the query API can.
      expect((await prometheus.rawValues('odd_value[2m]')).flat()).toContain('-0');

      expect(await agent.stop()).toBe(0);
      expect(await edge.program.stop()).toBe(0);
    },
    DURATION_MS + 120_000,
  );
});
