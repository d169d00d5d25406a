import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const folder = resolve(import.meta.dirname, '../../../infra/compose');
const all = readdirSync(folder, { recursive: true, encoding: 'utf8' });
const text = (file: string): string => readFileSync(join(folder, file), 'utf8');

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly image: string; readonly command?: readonly string[]; readonly ports?: readonly string[] }>
  >;
}
const compose = parse(text('docker-compose.yml')) as Compose;

describe('infra/compose', () => {
  it.each(all.filter((file) => file.endsWith('.yml')))('%s is YAML', (file) => {
    expect(parse(text(file), { strict: true, uniqueKeys: true })).toBeTypeOf('object');
  });

  it('pins every image to a version', () => {
    for (const { image } of Object.values(compose.services)) expect(image).toMatch(/:(v?\d+\.\d+\.\d+|RELEASE\.[\dTZ-]+)$/);
  });

  it('opens ports on loopback only', () => {
    for (const { ports } of Object.values(compose.services)) for (const port of ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('sets the windows of Thanos Receive, and the compaction that they need', () => {
    expect(compose.services['receive']?.command).toEqual(
      expect.arrayContaining(['--tsdb.out-of-order.time-window=2h', '--tsdb.too-far-in-future.time-window=10m']),
    );
    expect(compose.services['compact']?.command).toContain('--compact.enable-vertical-compaction');
  });

  it('has a dashboard whose panels use the provisioned data source', () => {
    const dashboard = JSON.parse(text('grafana/dashboards/devices.json')) as { panels: { id: number; datasource: { uid: string } }[] };
    const source = parse(text('grafana/provisioning/datasources/thanos.yml')) as { datasources: { uid: string }[] };
    expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
    for (const panel of dashboard.panels) expect(panel.datasource.uid).toBe(source.datasources[0]?.uid);
  });
});
