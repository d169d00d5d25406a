import { describe, expect, it } from 'vitest';
import type { ScrapeConfig, TargetGroup } from '../../../agent-lite/config/types.ts';
import { resolveTargets } from '../../../agent-lite/scrape/target.ts';
import { type Cells, STALE } from '../../../contract/cells.ts';
import { type Labels, labelsFromRecord, labelValue } from '../../../contract/labels.ts';
import { compileRelabel, defaultRelabelConfig, type RelabelConfig, relabel } from '../../../contract/relabel.ts';
import { samplesOf, scrapeConfig, setup, text } from './harness.ts';

const INTERVAL = 15_000;
const group = (targets: string[], labels: Record<string, string> = {}): TargetGroup => ({ targets, labels: labelsFromRecord(labels) });
const replace = (targetLabel: string, replacement: string, sourceLabels: string[] = [], regex = '(.*)'): RelabelConfig => ({
  ...defaultRelabelConfig,
  targetLabel,
  replacement,
  sourceLabels,
  regex,
});

function resolve(config: Partial<ScrapeConfig>, groups: TargetGroup[]) {
  const full = scrapeConfig(config);
  const rules = compileRelabel(full.relabelConfigs);
  return resolveTargets(full, groups, (labels: Labels) => relabel(rules, labels));
}

describe('targets from groups', () => {
  const cases: [name: string, config: Partial<ScrapeConfig>, groups: TargetGroup[], url: string, labels: Record<string, string>][] = [
    ['plain', {}, [group(['h:9100'])], 'http://h:9100/metrics', { job: 'node', instance: 'h:9100' }],
    ['no port', {}, [group(['h'])], 'http://h/metrics', { job: 'node', instance: 'h' }],
    ['IPv6', {}, [group(['[::1]:9100'])], 'http://[::1]:9100/metrics', { job: 'node', instance: '[::1]:9100' }],
    [
      'labels of the group',
      {},
      [group(['h:1'], { zone: 'a', job: 'mine' })],
      'http://h:1/metrics',
      { job: 'mine', instance: 'h:1', zone: 'a' },
    ],
    ['an instance of its own', {}, [group(['h:1'], { instance: 'me' })], 'http://h:1/metrics', { job: 'node', instance: 'me' }],
    [
      '__ labels of the group',
      {},
      [group(['h:1'], { __metrics_path__: '/p', __scheme__: 'https', __x: 'y' })],
      'https://h:1/p',
      { job: 'node', instance: 'h:1' },
    ],
    [
      'a path without a slash, and one with a question mark',
      { metricsPath: 'a?b' },
      [group(['h:1'])],
      'http://h:1/a%3Fb',
      { job: 'node', instance: 'h:1' },
    ],
    [
      'parameters, by configuration and by label',
      { params: { b: ['2', '3'], a: ['1'] } },
      [group(['h:1'], { __param_b: 'x', __param_c: 'new' })],
      'http://h:1/metrics?a=1&b=x&b=3&c=new',
      { job: 'node', instance: 'h:1' },
    ],
    [
      'the blackbox pattern',
      {
        params: { module: ['http_2xx'] },
        relabelConfigs: [
          replace('__param_target', '$1', ['__address__']),
          replace('instance', '$1', ['__param_target']),
          replace('__address__', 'prober:9115'),
        ],
      },
      [group(['example.org'])],
      'http://prober:9115/metrics?module=http_2xx&target=example.org',
      { job: 'node', instance: 'example.org' },
    ],
    [
      'meta labels can be read, and go',
      { relabelConfigs: [replace('file', '$1', ['__meta_filepath'])] },
      [group(['h:1'], { __meta_filepath: '/sd/a.json' })],
      'http://h:1/metrics',
      { job: 'node', instance: 'h:1', file: '/sd/a.json' },
    ],
  ];
  it.each(cases)('%s', (_, config, groups, url, labels) => {
    const { targets, refused } = resolve(config, groups);
    expect(refused).toEqual([]);
    expect(targets).toEqual([{ job: labels['job'], url, labels: labelsFromRecord(labels), intervalMs: 15_000, timeoutMs: 10_000 }]);
  });

  it('interval and timeout by label', () => {
    const { targets } = resolve({}, [group(['h:1'], { __scrape_interval__: '1m30s', __scrape_timeout__: '500ms' })]);
    expect(targets).toMatchObject([{ intervalMs: 90_000, timeoutMs: 500 }]);
  });

  it('all but the address can be set by rules; labels of the group beat the params of the job', () => {
    const relabelConfigs = [
      replace('__scheme__', 'https'),
      replace('__metrics_path__', 'probe'),
      replace('__scrape_interval__', '1m'),
      replace('__scrape_timeout__', '20s'),
      replace('__param_module', 'tcp'),
      { ...defaultRelabelConfig, sourceLabels: ['__address__'], targetLabel: '__param_target' },
      replace('__address__', 'prober:9115'),
    ];
    const config = { relabelConfigs, params: { module: ['http', 'second'], debug: ['no'] } };
    expect(resolve(config, [group(['https://example.com/?a=b'], { __param_debug: 'yes' })])).toMatchObject({
      targets: [
        {
          url: 'https://prober:9115/probe?debug=yes&module=tcp&module=second&target=https%3A%2F%2Fexample.com%2F%3Fa%3Db',
          intervalMs: 60_000,
          timeoutMs: 20_000,
          labels: labelsFromRecord({ instance: 'prober:9115', job: 'node' }),
        },
      ],
      refused: [],
    });
  });

  it('dropped ones are kept as they were found, as many as keep_dropped_targets says', () => {
    const drop: RelabelConfig = { ...defaultRelabelConfig, action: 'drop', sourceLabels: ['__address__'], regex: '.*' };
    const groups = [group(['a:1', 'http://me:secret@b:1', 'c:1'], { site: 'x' })];
    const { dropped } = resolve({ relabelConfigs: [drop], keepDroppedTargets: 2 }, groups);
    expect(dropped.count).toBe(3);
    expect(dropped.targets.map(({ labels }) => labelValue(labels, '__address__'))).toEqual(['a:1', '...@b:1']);
    expect(dropped.targets[0]).toMatchObject({ job: 'node', labels: expect.arrayContaining([['site', 'x']]) });
    expect(resolve({ relabelConfigs: [drop], keepDroppedTargets: 0 }, groups).dropped.targets).toHaveLength(3);
  });

  it('dropped ones are counted', () => {
    const keep: RelabelConfig = { ...defaultRelabelConfig, action: 'keep', sourceLabels: ['__address__'], regex: 'a:.*' };
    expect(resolve({ relabelConfigs: [keep] }, [group(['a:1', 'b:1', 'c:1'])])).toMatchObject({
      targets: [{ url: 'http://a:1/metrics' }],
      dropped: { count: 2 },
    });
  });

  it.each([
    [
      'no address',
      { relabelConfigs: [replace('__address__', '')] },
      {},
      '__address__: expected host:port, got nothing after relabel_configs',
    ],
    ['a path in the address', { relabelConfigs: [replace('__address__', 'h:1/x')] }, {}, '__address__: expected host:port, got "h:1/x"'],
    [
      'credentials in the address, not shown',
      { relabelConfigs: [replace('__address__', 'me:secret@h:1')] },
      {},
      '__address__: expected host:port, got "...@h:1"',
    ],
    ['a port that is none', { relabelConfigs: [replace('__address__', 'h:99999')] }, {}, '__address__: expected host:port, got "h:99999"'],
    ['a scheme', {}, { __scheme__: 'ftp' }, '__scheme__: expected http or https, got "ftp"'],
    ['an interval', {}, { __scrape_interval__: 'often' }, '__scrape_interval__: expected a duration above 0, got "often"'],
    ['an interval of 0', {}, { __scrape_interval__: '0s' }, '__scrape_interval__: expected a duration above 0, got "0s"'],
    ['a timeout', {}, { __scrape_timeout__: '0' }, '__scrape_timeout__: expected a duration above 0, got "0"'],
    [
      'a timeout over the interval',
      {},
      { __scrape_timeout__: '16s' },
      '__scrape_timeout__: expected at most the scrape interval 15s, got 16s',
    ],
    ['too long a label', {}, { a: 'x'.repeat(20_000) }, 'label "a": expected at most 1024 bytes of name and 16384 of value'],
    [
      'too many labels',
      {},
      Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`l${i}`, 'x'])),
      'labels: expected at most 64, got 66',
    ],
  ] as [string, Partial<ScrapeConfig>, Record<string, string>, string][])('refused: %s', (_, config, labels, reason) => {
    expect(resolve(config, [group(['h:1'], labels)])).toMatchObject({ targets: [], refused: [{ job: 'node', address: 'h:1', reason }] });
  });
});

describe('apply', () => {
  it('scrapes equal targets once, and refuses other targets with equal labels', async () => {
    const { manager, clock, scrapes, logger, metrics } = setup();
    const twice = scrapeConfig();
    const other = scrapeConfig({ jobName: 'other', metricsPath: '/other', relabelConfigs: [replace('job', 'node')] });
    const apply = () =>
      manager.apply([
        { config: twice, groups: [group(['h:1', 'h:1'])] },
        { config: other, groups: [group(['h:1'])] },
      ]);
    apply();
    apply();
    await clock.advance(INTERVAL);
    expect(scrapes).toHaveLength(1);
    expect(manager.refused()).toEqual([
      {
        job: 'node',
        address: 'http://h:1/other',
        reason: 'its labels equal those of http://h:1/metrics (job node); give one of them another label',
      },
    ]);
    expect(logger.lines.map(({ message }) => message)).toEqual(['Target is not scraped']);
    expect(metrics.values.get('agent_lite_targets')).toBe(1);
    expect(metrics.values.get('agent_lite_targets_refused')).toBe(1);
  });

  it('holds what targets that expose the same have in common once', async () => {
    const { apply, clock, scrapes, net } = setup();
    net.respond = ({ url }) => text(`# HELP a Help.\n# TYPE a gauge\na 1\n${url.includes('h:3') ? 'b 1\n' : ''}`);
    apply(['h:1', 'h:2', 'h:3']);
    await clock.advance(INTERVAL);
    const of = (instance: string) => scrapes.find(({ target }) => target.some(([, value]) => value === instance));
    expect(of('h:1')?.table).toBeDefined();
    expect(of('h:2')?.table).toBe(of('h:1')?.table);
    expect(of('h:3')?.table).not.toBe(of('h:1')?.table);
    expect(of('h:1')?.metadata).toHaveLength(1);
    for (const instance of ['h:2', 'h:3']) expect(of(instance)?.metadata).toBe(of('h:1')?.metadata);
  });

  it('writes the cells of a scrape over once it is appended, and not before', async () => {
    const cells = new Map<string, Cells | undefined>();
    let finish = (): void => {};
    let blocked = true;
    const { apply, clock, net } = setup({
      append: ({ target, cells: given }) => {
        const instance = labelValue(target, 'instance');
        cells.set(instance, given);
        if (instance === 'h:1' && blocked) return new Promise<void>((resolve) => (finish = resolve));
        return undefined;
      },
    });
    net.respond = () => text('a 1\n');
    apply(['h:1']);
    await clock.advance(INTERVAL);
    apply(['h:1', 'h:2']);
    await clock.advance(INTERVAL);
    expect(cells.get('h:2')).toBeDefined();
    expect(cells.get('h:2')).not.toBe(cells.get('h:1'));
    const before = [...cells.values()];
    blocked = false;
    finish();
    // Absent now, and nothing of what was there before.
    net.respond = () => text('');
    await clock.advance(INTERVAL);
    expect(before).toContain(cells.get('h:2'));
    expect(cells.get('h:2')).toMatchObject({ rows: 1, scrapes: 1, states: Uint8Array.of(STALE), ownTimes: undefined });
  });

  it('says when it has read a body, good or bad', async () => {
    const { apply, clock, net, scrapes } = setup();
    const released: number[] = [];
    net.respond = ({ url }) => ({ ...text(url.includes('h:1') ? 'a 1\n' : '!'), release: () => released.push(scrapes.length) });
    apply(['h:1', 'h:2']);
    await clock.advance(INTERVAL);
    expect(scrapes).toHaveLength(2);
    expect(released).toHaveLength(2);
  });

  it('leaves unchanged targets alone', async () => {
    const { apply, clock, scrapes, clients } = setup();
    apply(['h:1']);
    await clock.advance(INTERVAL * 0.9);
    for (let i = 0; i < 20; i++) {
      apply(i % 2 === 0 ? ['h:1', 'h:2'] : ['h:1']);
      await clock.advance(INTERVAL / 10);
    }
    const times = scrapes.filter(({ target }) => target.some(([, value]) => value === 'h:1')).map(({ wallMs }) => wallMs);
    expect(times.slice(1).map((time, i) => time - (times[i] ?? 0))).toEqual(times.slice(1).map(() => INTERVAL));
    expect(clients).toHaveLength(1);
  });

  it('goes on with the same series after a change of the rules; what they drop gets markers', async () => {
    const { apply, clock, scrapes, net } = setup();
    net.respond = () => text('a 1\nb 1\nc 1\nd 1\n');
    apply(['h:1']);
    await clock.advance(INTERVAL);
    apply(['h:1'], { metricRelabelConfigs: [{ ...defaultRelabelConfig, action: 'drop', sourceLabels: ['__name__'], regex: 'b' }] });
    await clock.advance(2 * INTERVAL);
    expect(scrapes.map((scrape) => samplesOf(scrape)).map(({ a, b }) => [a, b])).toEqual([
      [1, 1],
      [1, 'stale'],
      [1, undefined],
    ]);
    expect(scrapes.map(({ wallMs }) => (wallMs - (scrapes[0]?.wallMs ?? 0)) / INTERVAL)).toEqual([0, 1, 2]);
  });

  it('takes a new interval, times still ascend', async () => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(2 * INTERVAL);
    for (const interval of [1000, 5000, 1000]) {
      apply(['h:1'], { scrapeIntervalMs: interval, scrapeTimeoutMs: interval });
      await clock.advance(10_000);
    }
    const times = scrapes.map(({ wallMs }) => wallMs);
    expect(times.slice(1).every((time, i) => time > (times[i] ?? 0))).toBe(true);
    expect(scrapes.length).toBeGreaterThanOrEqual(22);
  });

  it('closes clients that no job uses any more', async () => {
    const { apply, clients, manager } = setup();
    apply(['h:1']);
    const http = { ...scrapeConfig().http, proxyUrl: 'http://proxy:1' };
    apply(['h:1'], { http });
    expect(clients).toEqual([{ closed: true }, { closed: false }]);
    await manager.stop();
    expect(clients).toEqual([{ closed: true }, { closed: true }]);
  });

  it('refuses a job that cannot work, the others go on', async () => {
    const { manager, clock, scrapes } = setup({
      httpClientFor(config) {
        if (config.jobName === 'bad') throw new TypeError('environment variable HTTP_PROXY: expected http://host:port');
        return { request: async () => text('a 1\n'), close() {} };
      },
    });
    manager.apply([
      { config: scrapeConfig({ jobName: 'bad', http: { ...scrapeConfig().http, proxyFromEnvironment: true } }), groups: [group(['h:1'])] },
      { config: scrapeConfig(), groups: [group(['h:1'])] },
    ]);
    await clock.advance(INTERVAL);
    expect(scrapes).toHaveLength(1);
    expect(manager.refused()).toMatchObject([{ job: 'bad', reason: expect.stringContaining('HTTP_PROXY') }]);
  });

  it('after stop does nothing', async () => {
    const { apply, manager, clock, scrapes } = setup();
    await manager.stop();
    apply(['h:1']);
    await clock.advance(INTERVAL);
    expect(scrapes).toEqual([]);
  });
});

describe('status', () => {
  it('of a target', async () => {
    const { apply, manager, clock } = setup();
    apply(['h:1']);
    const target = {
      job: 'node',
      url: 'http://h:1/metrics',
      intervalMs: INTERVAL,
      labels: labelsFromRecord({ instance: 'h:1', job: 'node' }),
    };
    expect(manager.targets()).toMatchObject([{ ...target, health: 'unknown', lastScrapeMs: undefined, error: undefined }]);
    await clock.advance(INTERVAL);
    const [status] = manager.targets();
    expect(status).toMatchObject({
      ...target,
      health: 'up',
      durationMs: 0,
      samples: 1,
      error: undefined,
      tableHash: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect((status?.lastScrapeMs ?? 0) - (status?.lastScrapeBootMs ?? 0)).toBe(clock.now() - clock.boot());
  });
});

describe('target_limit', () => {
  it('exceeded: all targets of the job are down without a request, and come back with fewer targets', async () => {
    const { apply, manager, clock, scrapes, net, metrics } = setup();
    apply(['h:1', 'h:2'], { targetLimit: 2 });
    await clock.advance(INTERVAL);
    expect(net.requests).toHaveLength(2);
    apply(['h:1', 'h:2', 'h:3'], { targetLimit: 2 });
    await clock.advance(INTERVAL);
    const error = 'target_limit: expected at most 2 targets of the job, got 3; none is scraped';
    expect(manager.targets().map((target) => [target.health, target.error])).toEqual(Array(3).fill(['down', error]));
    expect(net.requests).toHaveLength(2);
    expect(metrics.values.get('agent_lite_target_limit_exceeded_total')).toBe(1);
    expect(scrapes.slice(2).map(samplesOf)).toMatchObject([{ up: 0 }, { up: 0 }, { up: 0 }]);
    expect(scrapes.slice(2).filter((scrape) => samplesOf(scrape)['a'] === 'stale')).toHaveLength(2);
    apply(['h:1', 'h:2'], { targetLimit: 2 });
    await clock.advance(INTERVAL);
    expect(scrapes.slice(5).map(samplesOf)).toMatchObject([
      { a: 1, up: 1 },
      { a: 1, up: 1 },
    ]);
  });

  it('counts a target that is found twice once, and those that are dropped not at all', async () => {
    const { apply, manager, clock } = setup();
    const drop: RelabelConfig = { ...defaultRelabelConfig, action: 'drop', sourceLabels: ['__address__'], regex: 'h:2' };
    apply(['h:1', 'h:1', 'h:2'], { targetLimit: 1, relabelConfigs: [drop] });
    await clock.advance(INTERVAL);
    expect(manager.targets()).toMatchObject([{ health: 'up' }]);
  });

  it('of one job does not touch another', async () => {
    const { manager, clock } = setup();
    manager.apply([
      { config: scrapeConfig({ targetLimit: 1 }), groups: [group(['h:1', 'h:2'])] },
      { config: scrapeConfig({ jobName: 'b' }), groups: [group(['h:3'])] },
    ]);
    await clock.advance(INTERVAL);
    expect(manager.targets().map(({ job, health }) => [job, health])).toEqual([
      ['node', 'down'],
      ['node', 'down'],
      ['b', 'up'],
    ]);
  });
});

describe('a reload', () => {
  const basicAuth = { username: { kind: 'inline', value: 'a' }, password: undefined } as const;
  /** `anew`: the series count as added once more, since what they are made of may have changed. */
  const changes: [name: string, config: Partial<ScrapeConfig>, anew: boolean][] = [
    ['of nothing', {}, false],
    ['of the timeout', { scrapeTimeoutMs: 5000 }, false],
    ['of the body and the targets', { bodySizeLimit: 10_000, targetLimit: 3 }, false],
    ['of sample_limit', { sampleLimit: 100 }, false],
    ['of the client', { http: { ...scrapeConfig().http, basicAuth } }, false],
    ['of the request', { enableCompression: false, params: { a: ['b'] } }, false],
    ['of label limits', { labelLimit: 50 }, true],
    ['of honor_labels', { honorLabels: true }, true],
  ];
  it.each(changes)('%s keeps the series: no markers, no time twice', async (_, config, anew) => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(2.5 * INTERVAL);
    apply(['h:1'], config);
    await clock.advance(2.5 * INTERVAL);
    expect(scrapes.length).toBeGreaterThanOrEqual(4);
    expect(scrapes.map((scrape) => samplesOf(scrape)).every(({ a, up }) => a === 1 && up === 1)).toBe(true);
    const added = scrapes.reduce((sum, scrape) => sum + Number(samplesOf(scrape)['scrape_series_added']), 0);
    expect(added).toBe(anew ? 2 : 1);
    const times = scrapes.map(({ wallMs }) => wallMs);
    expect(times.slice(1).every((time, i) => time > (times[i] ?? 0))).toBe(true);
  });

  it('that changes the labels of a target ends it and starts another', async () => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(2 * INTERVAL);
    apply(['h:1'], { relabelConfigs: [replace('site', 'north')] });
    await clock.advance(3 * INTERVAL);
    const old = scrapes.filter(({ target }) => !target.some(([name]) => name === 'site'));
    expect(old.map((scrape) => samplesOf(scrape)['a'])).toEqual([1, 1, 'stale']);
    expect((old[2]?.wallMs ?? 0) - (old[1]?.wallMs ?? 0)).toBe(INTERVAL);
  });

  it('that leaves out a job ends its targets without markers, as in Prometheus', async () => {
    const { apply, manager, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(INTERVAL);
    manager.apply([]);
    await clock.advance(3 * INTERVAL);
    expect(scrapes.map((scrape) => samplesOf(scrape)['a'])).toEqual([1]);
  });
});

describe('own targets', () => {
  const own = (exposition: () => string) => [
    { job: 'agent-lite', instance: 'device', labels: labelsFromRecord({ zone: 'a' }), intervalMs: INTERVAL, exposition },
  ];

  it('are scraped like others', async () => {
    const { manager, clock, scrapes } = setup();
    manager.apply(
      [],
      own(() => 'agent_lite_x 1\n'),
    );
    await clock.advance(INTERVAL);
    expect(scrapes[0]?.target).toEqual(labelsFromRecord({ job: 'agent-lite', instance: 'device', zone: 'a' }));
    expect(samplesOf(scrapes[0] ?? expect.fail())).toMatchObject({ agent_lite_x: 1, up: 1 });
    expect(manager.targets()).toMatchObject([{ job: 'agent-lite', url: 'agent:/metrics', health: 'up' }]);
  });

  it.each([
    ['too many samples', () => Array.from({ length: 21 }, (_, i) => `a${i} 1\n`).join(''), 'sample_limit: expected at most 20 samples'],
    [
      'an error',
      () => {
        throw new Error('no figures');
      },
      'no figures',
    ],
  ])('%s: down', async (_, exposition, error) => {
    const { manager, clock } = setup();
    manager.apply([], own(exposition));
    await clock.advance(INTERVAL);
    expect(manager.targets()).toMatchObject([{ health: 'down', error: expect.stringContaining(error) }]);
  });
});
