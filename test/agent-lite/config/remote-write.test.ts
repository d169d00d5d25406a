import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAgentConfig } from '../../../agent-lite/config/parse.ts';

const folder = new URL('../../fixtures/config/agent/', import.meta.url);

function receivers(text: string) {
  const result = parseAgentConfig(text, { file: 'agent.yml', baseDir: '/etc/agent', env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value.remoteWrite;
}

describe('remote_write', () => {
  const all = receivers(readFileSync(new URL('remote-write-all-keys.good.yml', folder), 'utf8'));

  it('reads every key', () => {
    expect(all[0]).toMatchObject({
      name: 'centre',
      url: 'https://thanos.example.com/api/v1/receive?key=SECRET',
      remoteTimeoutMs: 10_000,
      sendExemplars: true,
      writeRelabelConfigs: [{ sourceLabels: ['__name__'], regex: 'go_.*', action: 'drop' }],
      queueConfig: {
        capacity: 5000,
        maxShards: 8,
        minShards: 2,
        maxSamplesPerSend: 500,
        batchSendDeadlineMs: 10_000,
        minBackoffMs: 100,
        maxBackoffMs: 30_000,
        retryOnHttp429: false,
        sampleAgeLimitMs: 3_600_000,
      },
      metadataConfig: { send: false, sendIntervalMs: 300_000, maxSamplesPerSend: 100 },
      http: {
        basicAuth: { username: { kind: 'inline', value: 'u' }, password: { kind: 'file', path: '/etc/agent/password' } },
        tls: { ca: { kind: 'file', path: '/etc/agent/ca.pem' } },
        proxyUrl: 'http://proxy.example:3128',
        noProxy: '10.0.0.0/8',
        followRedirects: false,
        headers: [
          { name: 'THANOS-TENANT', values: [{ kind: 'inline', value: 'plant-7' }] },
          { name: 'X-Api-Key', values: [{ kind: 'file', path: '/etc/agent/api-key' }] },
        ],
      },
    });
  });

  it('has defaults for the rest', () => {
    expect(all[1]).toMatchObject({
      remoteTimeoutMs: 30_000,
      sendExemplars: false,
      writeRelabelConfigs: [],
      queueConfig: {
        capacity: 10_000,
        maxShards: 4,
        minShards: 1,
        maxSamplesPerSend: 2000,
        batchSendDeadlineMs: 5000,
        minBackoffMs: 30,
        maxBackoffMs: 5000,
        retryOnHttp429: true,
        sampleAgeLimitMs: 0,
      },
      metadataConfig: { send: true, sendIntervalMs: 60_000, maxSamplesPerSend: 2000 },
      http: { followRedirects: true, headers: [] },
    });
  });

  it('lets a default give way to the least that is set', () => {
    const [one] = receivers('remote_write: [{ url: "http://a", queue_config: { min_shards: 9, min_backoff: 10s } }]');
    expect(one?.queueConfig).toMatchObject({ minShards: 9, maxShards: 9, minBackoffMs: 10_000, maxBackoffMs: 10_000 });
  });

  it('names a receiver by its address, whatever else is set', () => {
    const [one] = receivers('remote_write: [{ url: "http://a/write" }]');
    const [two, other] = receivers('remote_write: [{ url: "http://a/write", remote_timeout: 1s }, { url: "http://a/other" }]');
    expect(one?.name).toMatch(/^[0-9a-f]{8}$/);
    expect(two?.name).toBe(one?.name);
    expect(other?.name).not.toBe(one?.name);
  });
});
