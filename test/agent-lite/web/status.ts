import type { AgentStatus } from '../../../agent-lite/web/status.ts';

/** An agent to which all is well; tests change what they are about. */
export function healthyStatus(): AgentStatus {
  return {
    version: '0.1.0',
    hostname: 'gw-17',
    uptimeMs: 93_784_000,
    nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    ready: true,
    edge: {
      url: 'https://edge.example',
      lastSuccessAgeMs: 12_000,
      nextTryInMs: 48_000,
      failures: 0,
      error: undefined,
      pushIntervalMs: 60_000,
      backlogRecords: 4,
      backlogBytes: 5_300,
      backlogAgeMs: 13_000,
      clockOffsetMs: 40,
    },
    log: {
      path: '/var/lib/agent-lite/data',
      bytes: 3 * 2 ** 20,
      limitBytes: 512 * 2 ** 20,
      mode: 'disk',
      error: undefined,
      syncPolicy: 'interval, every 30 s',
      unsyncedRecords: 1,
      evictedRecords: 0,
      damagedRecords: 0,
    },
    targets: [
      {
        job: 'node',
        instance: 'localhost:9100',
        url: 'http://localhost:9100/metrics',
        health: 'up',
        lastScrapeAgeMs: 3_000,
        durationMs: 41,
        samples: 12_345,
        error: undefined,
      },
    ],
  };
}
