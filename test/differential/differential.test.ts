import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '../../infra/local/find-program.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { needProgram } from '../e2e/harness/installed.ts';
import { readCases } from './harness/cases.ts';
import { type Results, runCases } from './harness/run.ts';

/** agent-lite against Debian's Prometheus, at the same targets at the same time. See README.md for the files of `cases/`. */
const cleanup = new Cleanup();
const only = process.env['CASES'];
const all = readCases(join(import.meta.dirname, 'cases'));
const cases = only === undefined ? all : all.filter(({ name }) => new RegExp(only).test(name));
const PROMETHEUS = 'prometheus';
let results: Results;

beforeAll(async () => {
  results = await runCases(cleanup, cases, findProgram(PROMETHEUS));
}, 150_000);
afterAll(() => cleanup.run());

describe('the same as Prometheus 2.42', () => {
  for (const one of cases) {
    if (one.expected !== undefined) continue;
    it(one.name, (context) => {
      needProgram(context, PROMETHEUS);
      const prometheus = results.prometheus.get(one.name);
      // Nothing on both sides would be equal, too.
      expect(Object.keys(prometheus ?? {}), results.log).not.toEqual([]);
      expect(results.agent.get(one.name), one.about).toEqual(prometheus);
    });
  }
});

describe('as Prometheus 3, where 2.42 differs', () => {
  for (const one of cases) {
    if (one.expected === undefined) continue;
    it(one.name, () => {
      expect(results.agent.get(one.name), one.about).toEqual(one.expected?.series);
    });
  }
});

describe('the same by remote_write as by way of the edge', () => {
  for (const one of cases) {
    it(one.name, () => {
      expect(results.direct.get(one.name), one.about).toEqual(results.agent.get(one.name));
    });
  }
});

it.skipIf(only !== undefined)('covers what it claims', (context) => {
  needProgram(context, PROMETHEUS);
  expect(all.length).toBeGreaterThanOrEqual(64);
  expect(all.filter(({ expected }) => expected === undefined).length).toBeGreaterThanOrEqual(45);
});
