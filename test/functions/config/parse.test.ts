import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { wireLimits } from '../../../contract/limits.ts';
import { defaultReceiver, defaultTenant } from '../../../functions/config/defaults.ts';
import { formatConfigErrors, parseRelayConfig, tenantConfig } from '../../../functions/config/parse.ts';
import type { RelayConfig } from '../../../functions/config/types.ts';

function parse(path: string): RelayConfig {
  const result = parseRelayConfig(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'), path);
  if (!result.ok) throw new Error(formatConfigErrors(result.error));
  return result.value;
}

describe('parseRelayConfig', () => {
  it('fills in the defaults', () => {
    expect(parse('test/fixtures/config/relay/minimal.good.yml')).toEqual({
      receivers: [
        {
          name: 'central',
          url: 'http://127.0.0.1:19291/api/v1/receive',
          kind: 'thanos',
          tenantHeader: '',
          outOfOrderTimeWindowMs: 0,
          remoteTimeoutMs: 30_000,
          sendExemplars: true,
          sendMetadata: true,
          headers: [],
          authorization: undefined,
          binding: '',
          onFull: 'block',
          queue: { maxSamplesPerSend: 50_000, batchSendDeadlineMs: 0, sampleAgeLimitMs: 0, minBackoffMs: 30, maxBackoffMs: 30_000 },
        },
      ],
      routes: [{ tenants: '*', receivers: ['central'] }],
      identityLabel: 'device_id',
      shard: {
        generation: 1,
        shards: 1,
        lanes: 1,
        commitIntervalMs: 1000,
        maxBufferBytes: 10_737_418_240,
        deadLetterRetentionMs: 2_592_000_000,
      },
      limits: { ...wireLimits, futureMs: 600_000 },
      log: { samplingFraction: 0.001, repeatIntervalMs: 60_000 },
      tenants: { '*': defaultTenant },
    });
  });

  it('reads every key', () => {
    expect(parse('test/fixtures/config/relay/all-keys.good.yml')).toEqual({
      receivers: [
        {
          name: 'central-1',
          url: 'https://receive.example.com/api/v1/receive',
          kind: 'mimir',
          tenantHeader: 'X-Scope-OrgID',
          outOfOrderTimeWindowMs: 7_200_000,
          remoteTimeoutMs: 10_000,
          sendExemplars: false,
          sendMetadata: false,
          headers: [
            { name: 'X-Site', value: 'north' },
            { name: 'CF-Access-Client-Secret', value: { env: 'ACCESS_CLIENT_SECRET' } },
          ],
          authorization: { kind: 'basic', username: 'relay', password: { env: 'CENTRAL_PASSWORD' } },
          binding: '',
          onFull: 'block',
          queue: {
            maxSamplesPerSend: 500,
            batchSendDeadlineMs: 5000,
            sampleAgeLimitMs: 604_800_000,
            minBackoffMs: 100,
            maxBackoffMs: 60_000,
          },
        },
        {
          ...defaultReceiver,
          name: 'archive',
          url: 'http://10.0.0.7:8428/api/v1/write',
          kind: 'victoriametrics',
          outOfOrderTimeWindowMs: 2_592_000_000,
          authorization: { kind: 'token', type: 'Token', credentials: { env: 'ARCHIVE_TOKEN' } },
          binding: 'ARCHIVE_NETWORK',
          onFull: 'drop_oldest',
        },
        { ...defaultReceiver, name: 'office', url: 'https://prometheus.example.com/api/v1/write', kind: 'prometheus' },
      ],
      routes: [
        { tenants: ['globex', 'initech'], receivers: ['archive'] },
        { tenants: '*', receivers: ['central-1', 'office'] },
      ],
      identityLabel: 'gateway',
      shard: {
        generation: 3,
        shards: 8,
        lanes: 2,
        commitIntervalMs: 500,
        maxBufferBytes: 1_073_741_824,
        deadLetterRetentionMs: 604_800_000,
      },
      limits: {
        pushBytes: 1_048_576,
        pushInflatedBytes: 2_097_152,
        tableBytes: 3_145_728,
        tableRows: 1000,
        labelsPerSeries: 30,
        labelNameBytes: 100,
        labelValueBytes: 200,
        targetsPerPush: 10,
        scrapesPerTarget: 20,
        cellsPerPush: 5000,
        futureMs: 60_000,
      },
      log: { samplingFraction: 0.25, repeatIntervalMs: 300_000 },
      tenants: {
        acme: {
          externalLabels: [['region', 'eu']],
          writeRelabelConfigs: [
            { sourceLabels: [], separator: ';', regex: 'debug_.*', modulus: 0, targetLabel: '', replacement: '$1', action: 'labeldrop' },
          ],
          reservedLabels: ['tenant_id'],
          minPushIntervalMs: 10_000,
          dropPushDown: false,
          limits: {
            ingestionRate: 1000,
            ingestionBurstSize: 2000,
            maxActiveSeries: 3000,
            tableRowsPerDay: 4000,
            tableBytesPerDay: 5_242_880,
            maxBufferBytes: 2_147_483_648,
            wire: {
              pushBytes: 524_288,
              pushInflatedBytes: 1_048_576,
              tableBytes: 65_536,
              tableRows: 200,
              labelsPerSeries: 20,
              labelNameBytes: 50,
              labelValueBytes: 60,
            },
          },
          deviceLimits: {
            ingestionRate: 10,
            ingestionBurstSize: 20,
            maxActiveSeries: 30,
            tableRowsPerDay: 0,
            tableBytesPerDay: 1_048_576,
            maxOffences: 5,
          },
          revokedDevices: ['gw-7', 'gw-8'],
          tokensNotBeforeMs: Date.UTC(2026, 0, 31, 10),
          corsOrigins: ['https://kiosk.example.com', 'http://localhost:8080', 'app://panel'],
          browserTokens: { lifetimeMs: 7_200_000, maxAgeMs: 90 * 86_400_000 },
        },
        globex: defaultTenant,
        initech: defaultTenant,
      },
    });
  });

  it('takes four lanes where the receiver has a window', () => {
    expect(parse('test/fixtures/config/relay/window.good.yml').shard).toMatchObject({ shards: 1, lanes: 4 });
  });

  it('accepts the configuration that is shipped, and it says what the defaults say', () => {
    const shipped = parse('infra/relay.yml');
    const minimal = parse('test/fixtures/config/relay/minimal.good.yml');
    expect(shipped).toEqual({ ...minimal, receivers: [{ ...minimal.receivers[0], tenantHeader: 'THANOS-TENANT' }] });
  });
});

describe('tenantConfig', () => {
  it.each([
    ['acme', 'acme'],
    ['globex', 'globex'],
    ['other', undefined],
    ['constructor', undefined],
  ])('%s has the settings of %s where there is no *', (tenant, name) => {
    const config = parse('test/fixtures/config/relay/all-keys.good.yml');
    expect(tenantConfig(config, tenant)).toBe(name === undefined ? undefined : config.tenants[name]);
  });

  it('gives others those of *', () => {
    const config = parse('test/fixtures/config/relay/minimal.good.yml');
    expect(tenantConfig(config, 'acme')).toBe(config.tenants['*']);
    expect(tenantConfig(config, 'toString')).toBe(config.tenants['*']);
  });
});
