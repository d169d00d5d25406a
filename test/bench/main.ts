import { benchBacklog, defaultBacklog, describeBacklog } from './backlog.ts';
import { benchDevice, defaultDevice, describeDevice } from './device.ts';
import { benchEdge, defaultEdgeBench, describeEdge } from './edge.ts';
import { benchIngest, describeIngest } from './ingest.ts';
import { benchParse, describeParse } from './parse.ts';
import { benchSeed, defaultSeed, describeSeed } from './seed.ts';
import { benchWire, describeWire } from './wire.ts';

/** `npm run bench -- [name...] [--json]`: runs the benchmarks named, or all; a line of JSON each with --json. */
interface Benchmark {
  readonly about: string;
  run(): Promise<{ readonly result: unknown; readonly text: string }>;
}

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  ingest: {
    about: "the edge's processor time for a push of 1000 series x 4 scrapes, Worker and shard",
    async run() {
      const result = await benchIngest();
      return { result, text: describeIngest(result) };
    },
  },
  edge: {
    about: 'processor time of the edge in workerd for pushes and remote write, beside vmagent; throughput, memory (some minutes)',
    async run() {
      const result = await benchEdge(defaultEdgeBench, (line) => console.error(line));
      return { result, text: describeEdge(result) };
    },
  },
  device: {
    about: 'one node_exporter, and 200 series: memory, CPU, link over TLS and NATs, flash (a quarter of an hour)',
    async run() {
      const result = await benchDevice(defaultDevice);
      return { result, text: describeDevice(result) };
    },
  },
  backlog: {
    about: 'draining a log of 24 h of 1000 series: time, memory, requests, bytes',
    async run() {
      const result = await benchBacklog(defaultBacklog);
      return { result, text: describeBacklog(result) };
    },
  },
  seed: {
    about: '100 targets x 1000 series: CPU, memory, log and link of the agent and its peers (half an hour)',
    async run() {
      const result = await benchSeed(defaultSeed);
      return { result, text: describeSeed(result) };
    },
  },
  wire: {
    about: 'bytes on the wire per sample of real scrapes, against remote write',
    async run() {
      const result = await benchWire();
      return { result, text: describeWire(result) };
    },
  },
  parse: {
    about: 'steady state of scraping against a plain split-and-regex parser',
    async run() {
      const result = await benchParse();
      return { result, text: describeParse(result) };
    },
  },
};

const names = process.argv.slice(2).filter((argument) => argument !== '--json');
const unknown = names.find((name) => BENCHMARKS[name] === undefined);
if (unknown !== undefined) {
  const list = Object.entries(BENCHMARKS).map(([name, { about }]) => `  ${name}  ${about}`);
  console.error(`bench: no benchmark ${JSON.stringify(unknown)}; there are:\n${list.join('\n')}`);
  process.exitCode = 2;
} else {
  for (const name of names.length > 0 ? names : Object.keys(BENCHMARKS)) {
    const done = await BENCHMARKS[name]?.run();
    console.log(process.argv.includes('--json') ? JSON.stringify(done?.result) : done?.text);
  }
}
