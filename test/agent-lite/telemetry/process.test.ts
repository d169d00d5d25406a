import { expect, it } from 'vitest';
import { addProcessMetrics } from '../../../agent-lite/telemetry/process.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { ManualClock } from '../../fakes/clock.ts';

it('tells version, start, CPU time and memory', () => {
  const registry = createRegistry();
  let cpu = 1_500_000;
  addProcessMetrics(registry, '1.2.3', new ManualClock({ now: 1_000_000 }), {
    cpuUsage: () => ({ user: cpu, system: 500_000 }),
    residentMemory: () => 40_000_000,
    uptime: () => 10,
  });
  expect(registry.expose('pushed')).toContain('\nprocess_cpu_seconds_total 2\n');
  cpu += 250_000;
  const text = registry.expose('pushed');
  for (const line of [
    'agent_lite_build_info{version="1.2.3"} 1',
    'process_start_time_seconds 990',
    'process_cpu_seconds_total 2.25',
    'process_resident_memory_bytes 40000000',
  ])
    expect(text).toContain(`\n${line}\n`);
});

it('reads this process', () => {
  const registry = createRegistry();
  addProcessMetrics(registry, '1.2.3', new ManualClock());
  expect(registry.expose('all')).toMatch(/\nprocess_resident_memory_bytes [1-9]\d{6,}\n/);
});
