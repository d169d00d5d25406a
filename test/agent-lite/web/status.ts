import type { AgentStatus, EdgeStatus } from '../../../agent-lite/web/status.ts';

/** An agent to which all is well; tests change what they are about. */
export function healthyStatus(): AgentStatus & { readonly edge: EdgeStatus } {
  return {
    version: '0.1.0',
    hostname: 'gw-17',
    uptimeMs: 93_784_000,
    nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    ready: true,
    reloadError: undefined,
    remoteWrite: [],
    edge: {
      state: 'ok',
      url: 'https://edge.example',
      lastSuccessAgeMs: 12_000,
      nextTryInMs: 48_000,
      failures: 0,
      error: undefined,
      pushIntervalMs: 60_000,
      backlogRecords: 4,
      backlogBytes: 5_300,
      backlogAgeMs: 13_000,
      behindRecords: 0,
      clockOffsetMs: 40,
      clockCorrected: false,
      leftOutSeries: 0,
    },
    log: {
      path: '/var/lib/agent-lite/data',
      bytes: 3 * 2 ** 20,
      limitBytes: 512 * 2 ** 20,
      mode: 'file',
      error: undefined,
      syncPolicy: 'interval',
      syncIntervalMs: 30_000,
      unsyncedBytes: 1_200,
      evictedRecords: 0,
      damagedPlaces: 0,
      setAsideBytes: 0,
    },
    targets: [
      {
        job: 'node',
        labels: { instance: 'localhost:9100', job: 'node' },
        url: 'http://localhost:9100/metrics',
        health: 'up',
        lastScrapeAgeMs: 3_000,
        durationMs: 41,
        samples: 12_345,
        error: undefined,
      },
    ],
    refusedTargets: [],
    droppedTargets: [],
    droppedTargetCount: 0,
  };
}
