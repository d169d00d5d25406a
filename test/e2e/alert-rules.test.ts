import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { needProgram } from './harness/installed.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

it('Prometheus takes the alert rules', async (context) => {
  const promtool = needProgram(context, 'promtool');
  const { stdout } = await promisify(execFile)(promtool, ['check', 'rules', path('infra/alerts/agent-lite.rules.yml')]);
  expect(stdout).toMatch(/SUCCESS: [1-9]\d* rules found/);
});

it('the alerts come when they should, and only then', async (context) => {
  const promtool = needProgram(context, 'promtool');
  const { stdout } = await promisify(execFile)(promtool, ['test', 'rules', path('test/fixtures/alerts/agent-lite.yml')]);
  expect(stdout).toContain('SUCCESS');
});
