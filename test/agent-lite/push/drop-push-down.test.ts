import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLabels } from '../../../contract/labels.ts';
import { defaultRelabelConfig, type RelabelConfig } from '../../../contract/relabel.ts';
import type { TenantConfig } from '../../../functions/config/types.ts';
import { relayConfig, tenantWithoutRules } from '../../fakes/relay-config.ts';
import { TestEdge } from '../../fakes/worker.ts';
import { Device, taken } from './device.ts';
import { scrape, tableOf, target } from './scrapes.ts';

/**
 * Exactness: what is forwarded is the same with masks and without, whatever the rules, whenever they change, and though several
 * Workers with different rules answer in turn.
 */
const tables = [await tableOf('a', 'b', 'c', 'd', 'e', 'f'), await tableOf('b', 'c', 'x', 'y')] as const;
const EXEMPLAR = { row: 1, labels: [['trace_id', 'abc']], value: 0.5, ms: undefined } as const;

const drop = (regex: string, label = '__name__'): RelabelConfig => ({
  ...defaultRelabelConfig,
  sourceLabels: [label],
  regex,
  action: 'drop',
});
const keep = (regex: string): RelabelConfig => ({ ...drop(regex), action: 'keep' });
/** Makes b and c one series, of which the second is dropped. */
const merge: RelabelConfig = {
  ...defaultRelabelConfig,
  sourceLabels: ['__name__'],
  regex: 'b|c',
  targetLabel: '__name__',
  replacement: 'bc',
};

const edgeOf = (writeRelabelConfigs: readonly RelabelConfig[], tenant: Partial<TenantConfig> = {}): TestEdge =>
  new TestEdge({ config: { ...relayConfig, tenants: { acme: { ...tenantWithoutRules, writeRelabelConfigs, ...tenant } } } });

async function scrapeBoth(device: Device, value: number, table = 0): Promise<void> {
  for (const name of ['one', 'two'])
    await device.append({ ...scrape(device.clock, { target: target(name), table: tables[table % 2], value }), exemplars: [EXEMPLAR] });
  await device.clock.advance(1000);
}

async function step(device: Device, value: number): Promise<void> {
  await scrapeBoth(device, value);
  await device.send();
}

describe('drop push-down', () => {
  it('leaves out what the rules drop once the edge has said so, and forwards the same', async () => {
    const edge = edgeOf([drop('a|d|e')]);
    const device = await Device.open([edge], true);
    const plainEdge = edgeOf([drop('a|d|e')]);
    const plain = await Device.open([plainEdge], false);
    for (let i = 0; i < 3; i++) {
      await step(device, i + 0.123456789);
      await step(plain, i + 0.123456789);
      expect(device.leftOut).toBe(i === 0 ? 0 : 6);
      const [request] = edge.shard().requests;
      expect(request?.counts['relay_samples_left_out_total']).toBe(i === 0 ? undefined : 6);
      // For those who look at the device there.
      const targets = ['one', 'two'].map((name) => ({ target: formatLabels(target(name)), series: 3 }));
      expect(request).toMatchObject(i === 0 ? {} : { leftOut: { series: 6, targets } });
      if (i === 0) expect(request).not.toHaveProperty('leftOut');
      expect(taken(edge)).toEqual(taken(plainEdge));
    }
    expect(plain.leftOut).toBe(0);
  });

  it('keeps all rows in the log: they travel as soon as a rule no longer drops them', async () => {
    const [before, after] = [edgeOf([drop('a|d')]), edgeOf([drop('a')])];
    const device = await Device.open([before], true);
    await step(device, 1);
    await step(device, 2);
    device.edges = [after];
    await step(device, 3);
    expect(device.codes).toContain('424');
    expect(device.leftOut).toBe(2);
    const plainEdge = edgeOf([drop('a')]);
    const plain = await Device.open([plainEdge], false);
    for (const value of [1, 2]) await step(plain, value);
    taken(plainEdge);
    await step(plain, 3);
    expect(taken(after)).toEqual(taken(plainEdge));
    expect(device.metrics.expose('all')).toContain('agent_lite_push_wrong_masks_total 1');
  });

  it('ends where two Workers call each other wrong', async () => {
    const edges = [edgeOf([drop('a')]), edgeOf([drop('b')])];
    const device = await Device.open(edges, true);
    let turn = 0;
    device.route = () => turn++ % 2;
    for (let i = 0; i < 6; i++) await step(device, i);
    for (const edge of edges) taken(edge);
  });

  it.each([
    ['device', true, false],
    ['edge', false, true],
  ])('is off where the %s has switched it off', async (_who, edgeHas, deviceHas) => {
    const edge = edgeOf([drop('a')], { dropPushDown: edgeHas });
    const device = await Device.open([edge], deviceHas);
    for (let i = 0; i < 3; i++) await step(device, i);
    expect(device.leftOut).toBe(0);
    expect(device.codes.every((code) => code === '200')).toBe(true);
  });

  it('is given up by a device when the edge switches it off', async () => {
    const device = await Device.open([edgeOf([drop('a')])], true);
    for (let i = 0; i < 2; i++) await step(device, i);
    expect(device.leftOut).toBe(2);
    device.edges = [edgeOf([drop('a')], { dropPushDown: false })];
    await step(device, 2);
    expect(device.leftOut).toBe(0);
  });

  it('never changes what is forwarded, through changes of rules and several rules at once', async () => {
    const rules = fc.array(
      fc.constantFrom(drop('a'), drop('b|c'), drop('d.*'), keep('[a-d]'), merge, drop('one', 'instance'), drop('.*')),
      { maxLength: 2 },
    );
    const steps = fc.array(
      fc.record({
        /** Of the Workers from now on; undefined: as before. */
        rules: fc.option(fc.array(rules, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 }),
        routes: fc.infiniteStream(fc.nat(2)),
        table: fc.nat(1),
      }),
      { minLength: 2, maxLength: 7 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        let edges: readonly TestEdge[] = [edgeOf([])];
        let plainEdges: readonly TestEdge[] = [edgeOf([])];
        const device = await Device.open(edges, true);
        const plain = await Device.open(plainEdges, false);
        for (const [i, { rules: changed, routes, table }] of all.entries()) {
          if (changed !== undefined) {
            edges = changed.map((one) => edgeOf(one));
            plainEdges = changed.map((one) => edgeOf(one));
          }
          Object.assign(device, { edges });
          Object.assign(plain, { edges: plainEdges });
          device.route = () => routes.next().value % edges.length;
          await scrapeBoth(device, i + 0.5, table);
          await device.send();
          const stored = edges.findIndex((edge) => edge.shard().requests.length > 0);
          plain.route = () => stored;
          await scrapeBoth(plain, i + 0.5, table);
          await plain.send();
          expect(edges.map(taken)).toEqual(plainEdges.map(taken));
        }
      }),
      { numRuns: 20 },
    );
  });
});
