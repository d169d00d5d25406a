import type { Clock } from '../model.ts';
import type { Registry } from './registry.ts';

/** The process as the registry needs it; tests give numbers. */
export interface ProcessNumbers {
  /** User and system time since the start, microseconds. */
  cpuUsage(): { readonly user: number; readonly system: number };
  /** Bytes. */
  residentMemory(): number;
  /** Seconds. */
  uptime(): number;
}

const thisProcess: ProcessNumbers = {
  cpuUsage: () => process.cpuUsage(),
  residentMemory: () => process.memoryUsage.rss(),
  uptime: () => process.uptime(),
};

/** The `process_*` metrics every Prometheus client has, and the build's version. */
export function addProcessMetrics(registry: Registry, version: string, clock: Pick<Clock, 'now'>, from = thisProcess): void {
  registry.set('agent_lite_build_info', 1, { version });
  registry.set('process_start_time_seconds', clock.now() / 1000 - from.uptime());
  let counted = 0;
  registry.onCollect(() => {
    const { user, system } = from.cpuUsage();
    const seconds = (user + system) / 1e6;
    registry.add('process_cpu_seconds_total', Math.max(0, seconds - counted));
    counted = Math.max(counted, seconds);
    registry.set('process_resident_memory_bytes', from.residentMemory());
  });
}
