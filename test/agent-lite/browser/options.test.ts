import { describe, expect, it } from 'vitest';
import { type BrowserAgentOptions, settle, type TargetOptions } from '../../../agent-lite/browser/options.ts';
import { DEFAULT_RULE, pageTargets } from '../../../agent-lite/browser/targets.ts';
import { labelsFromRecord, labelValue } from '../../../contract/labels.ts';
import { defaultRelabelConfig } from '../../../contract/relabel.ts';

const BASE = 'https://kiosk.example.com/shop/index.html';
const edgePush = { url: 'https://edge.example.com/', token: 'abc' };

describe('options of a browser agent', () => {
  it('have defaults', () => {
    const settings = settle({ targets: [], edgePush });
    expect(settings).toMatchObject({
      edge: { url: 'https://edge.example.com', pushIntervalMs: 60_000, remoteTimeoutMs: 30_000 },
      log: { name: 'agent-lite', limitBytes: 64 * 1024 * 1024, maxAgeMs: 0, sync: 'interval', persist: false },
      externalLabels: [],
      ownMetrics: true,
    });
    expect(settings.edge).toMatchObject({ token: 'abc', renewToken: false, keepToken: false });
  });

  const refused: readonly { name: string; options: Partial<BrowserAgentOptions>; error: RegExp }[] = [
    { name: 'a URL that is none', options: { edgePush: { ...edgePush, url: 'edge.example.com' } }, error: /edgePush\.url: expected https/ },
    { name: 'a password in the URL', options: { edgePush: { ...edgePush, url: 'https://a:b@edge' } }, error: /no user and password/ },
    { name: 'a token with a newline', options: { edgePush: { ...edgePush, token: 'a\nb' } }, error: /edgePush\.token/ },
    { name: 'no token', options: { edgePush: { ...edgePush, token: '' } }, error: /edgePush\.token/ },
    {
      name: 'renewal of a token that the page finds itself',
      options: { edgePush: { ...edgePush, token: () => 'a', renewToken: true } },
      error: /renewToken: expected a token as text/,
    },
    {
      name: 'keeping what is not renewed',
      options: { edgePush: { ...edgePush, keepToken: true } },
      error: /keepToken: expected renewToken/,
    },
    { name: 'an interval of 0', options: { edgePush: { ...edgePush, pushIntervalMs: 0 } }, error: /pushIntervalMs: .*above 0, got 0/ },
    { name: 'a log without a name', options: { log: { name: '' } }, error: /log\.name/ },
    { name: 'a label without a name', options: { externalLabels: { '': 'x' } }, error: /externalLabels: expected label names/ },
  ];
  it.each(refused)('refuse $name', ({ options, error }) => {
    expect(() => settle({ targets: [], edgePush, ...options })).toThrow(error);
  });
});

describe('targets of a page', () => {
  const metrics = (): string => '';
  it('a URL becomes a scrape_config with one target', () => {
    const { jobs, targets, resolve, functions } = pageTargets(
      [{ job: 'a', url: '/m%20x?b=1&b=2&c=3', labels: { floor: '2', empty: '' }, sampleLimit: 7, scrapeIntervalMs: 5000 }],
      BASE,
    );
    expect(functions.size).toBe(0);
    expect(jobs).toMatchObject([{ config: { jobName: 'a', sampleLimit: 7, scrapeIntervalMs: 5000, scrapeTimeoutMs: 5000 } }]);
    const labels = labelsFromRecord({ floor: '2', instance: 'kiosk.example.com', job: 'a' });
    const url = 'https://kiosk.example.com/m%20x?b=1&b=2&c=3';
    expect(targets).toEqual([{ job: 'a', labels, url, intervalMs: 5000, timeoutMs: 5000 }]);
    expect(jobs.map(resolve)).toEqual([{ targets, refused: [], dropped: { count: 0, targets: [] }, overLimit: undefined }]);
  });

  it('labels beat the job, those that only an agent sees are left out, and too long ones refuse the target', () => {
    const { targets } = pageTargets([{ job: 'a', metrics, labels: { job: 'b', __scheme__: 'x' } }], BASE);
    expect(targets).toMatchObject([{ job: 'b', labels: labelsFromRecord({ instance: 'kiosk.example.com', job: 'b' }) }]);
    const long = pageTargets([{ job: 'a', metrics, labels: { x: 'x'.repeat(1_000_000) } }], BASE);
    expect(long.jobs.map(long.resolve)).toMatchObject([
      { targets: [], refused: [{ job: 'a', reason: expect.stringContaining('label "x": expected at most') }] },
    ]);
  });

  it('a function has the page as its instance, and a URL of its own', () => {
    const { targets, functions } = pageTargets(
      [
        { job: 'a', metrics },
        { job: 'a', metrics, instance: 'till-2' },
      ],
      BASE,
    );
    expect(targets.map(({ labels }) => labelValue(labels, 'instance'))).toEqual(['kiosk.example.com', 'till-2']);
    expect([...functions.keys()]).toEqual(['http://in-page.invalid/0', 'http://in-page.invalid/1']);
    expect(pageTargets([{ job: 'a', metrics }], 'file:///kiosk.html').targets[0]?.labels).toEqual(
      labelsFromRecord({ instance: 'page', job: 'a' }),
    );
  });

  it("a rule's keys that are not given are Prometheus' defaults", () => {
    expect(DEFAULT_RULE).toEqual(defaultRelabelConfig);
  });

  const refused: readonly { name: string; target: TargetOptions; error: RegExp }[] = [
    { name: 'no job', target: { job: '', metrics }, error: /targets\[0\]\.job/ },
    { name: 'another scheme', target: { job: 'a', url: 'file:///x' }, error: /targets\[0\]\.url: expected an address with http/ },
    { name: 'a password', target: { job: 'a', url: 'http://a:b@x/' }, error: /no user and password/ },
    {
      name: 'a timeout beyond the interval',
      target: { job: 'a', metrics, scrapeIntervalMs: 5, scrapeTimeoutMs: 6 },
      error: /at most the interval 5, got 6/,
    },
  ];
  it.each(refused)('refuse $name', ({ target, error }) => {
    expect(() => pageTargets([target], BASE)).toThrow(error);
  });
});
