import { describe, expect, it } from 'vitest';
import { HttpError, type HttpResponse, type Scrape } from '../../../agent-lite/model.ts';
import { momentsFor, offsetInInterval } from '../../../agent-lite/scrape/schedule.ts';
import { countSamples } from '../../../contract/cells.ts';
import { defaultRelabelConfig } from '../../../contract/relabel.ts';
import { settle } from '../../fakes/clock.ts';
import { samplesOf, setup, text } from './harness.ts';
// Loaded on demand, in real time; the clock of these tests does not wait for it.
import '../../../agent-lite/scrape/open-metrics.ts';

const INTERVAL = 15_000;
const UP = {
  up: 1,
  scrape_duration_seconds: 0,
  scrape_samples_scraped: 1,
  scrape_samples_post_metric_relabeling: 1,
  scrape_series_added: 0,
};
const DOWN = { ...UP, up: 0, scrape_samples_scraped: 0, scrape_samples_post_metric_relabeling: 0 };
const GONE = Object.fromEntries(Object.keys(UP).map((name) => [name, 'stale']));

describe('when', () => {
  it('once an interval, at times of the wall clock that a restart keeps', async () => {
    const first = setup();
    first.apply(['h:1']);
    await first.clock.advance(4 * INTERVAL);
    const times = first.scrapes.map(({ wallMs }) => wallMs);
    expect(times).toHaveLength(4);
    expect(new Set(times.map((time) => time % INTERVAL)).size).toBe(1);

    const second = setup();
    await second.clock.advance(7_777);
    second.apply(['h:1']);
    await second.clock.advance(INTERVAL);
    expect((second.scrapes[0]?.wallMs ?? 0) % INTERVAL).toBe((times[0] ?? 0) % INTERVAL);
    expect(second.scrapes[0]?.bootMs).toBe(second.scrapes[0] && second.scrapes[0].wallMs - second.clock.now() + second.clock.boot());
  });

  it('targets spread over the interval, devices differ', () => {
    const offsets = Array.from({ length: 200 }, (_, i) =>
      offsetInInterval([['instance', `h:${i}`]], `http://h:${i}/metrics`, 'a', 1000, momentsFor(200)),
    );
    expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...offsets)).toBeLessThan(1000);
    for (let tenth = 0; tenth < 10; tenth++) {
      expect(offsets.filter((offset) => Math.floor(offset / 100) === tenth).length).toBeGreaterThan(5);
    }
    expect(offsetInInterval([], 'http://h/metrics', 'a', 1000, 16)).not.toBe(offsetInInterval([], 'http://h/metrics', 'b', 1000, 16));
  });

  it.each([
    { targets: 1, moments: 16 },
    { targets: 128, moments: 16 },
    { targets: 129, moments: 32 },
    { targets: 1000, moments: 128 },
    { targets: 100_000, moments: 16_384 },
  ])('$targets targets share $moments moments', ({ targets, moments }) => {
    expect(momentsFor(targets)).toBe(moments);
    const offsets = Array.from({ length: targets }, (_, i) => offsetInInterval([['instance', `${i}`]], 'http://h/', 'a', 60_000, moments));
    const most = Math.min(targets, moments);
    const used = new Set(offsets).size;
    expect(used).toBeLessThanOrEqual(most);
    // Drawn at random, a few stay empty.
    expect(used).toBeGreaterThan(0.9 * moments * (1 - Math.exp(-targets / moments)) - 1);
  });

  it('a step of the wall clock neither stalls nor doubles the ticks', async () => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(2 * INTERVAL);
    clock.stepWall(-3_600_000);
    await clock.advance(2 * INTERVAL);
    clock.stepWall(86_400_000);
    await clock.advance(2 * INTERVAL);
    const boots = scrapes.map(({ bootMs }) => bootMs - (scrapes[0]?.bootMs ?? 0));
    expect(boots).toEqual([0, 1, 2, 3, 4, 5].map((i) => i * INTERVAL));
    const walls = scrapes.map(({ wallMs }) => wallMs - (scrapes[0]?.wallMs ?? 0));
    expect(walls).toEqual([0, 1, -238, -237, 5524, 5525].map((i) => i * INTERVAL));
  });

  it("times of late timers are the tick's up to 2 ms, else their own", async () => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(INTERVAL);
    for (const late of [1, 2, 3, 50]) {
      const sleep = clock.sleep.bind(clock);
      clock.sleep = (ms, signal) => sleep(ms + late, signal);
      await clock.advance(INTERVAL);
      clock.sleep = sleep;
    }
    await clock.advance(INTERVAL);
    const first = scrapes[0]?.wallMs ?? 0;
    // The first lateness applies from the second sleep on, as the one before was asked for in time.
    expect(scrapes.map(({ wallMs }) => (wallMs - first) % INTERVAL)).toEqual([0, 0, 0, 0, 3, 50]);
  });

  it('never two scrapes of one target at once, and no catching up', async () => {
    const { apply, clock, scrapes, net, metrics } = setup();
    let running = 0;
    let most = 0;
    net.respond = async () => {
      running++;
      most = Math.max(most, running);
      await clock.sleep(2.5 * INTERVAL);
      running--;
      return text('a 1\n');
    };
    apply(['h:1']);
    await clock.advance(10 * INTERVAL);
    expect(most).toBe(1);
    const boots = scrapes.map(({ bootMs }) => (bootMs - (scrapes[0]?.bootMs ?? 0)) / INTERVAL);
    // Late by half an interval, it begins at once; whole intervals are left out.
    expect(boots).toEqual([0, 2.5, 5]);
    expect(metrics.values.get('agent_lite_scrapes_missed_total')).toBe(4);
  });

  it('a scrape waits until the one before of its target is in the log', async () => {
    const taken: (() => void)[] = [];
    const { apply, clock, net } = setup({ append: () => new Promise<void>((resolve) => taken.push(resolve)) });
    let asked = 0;
    net.respond = async () => {
      asked++;
      return text('a 1\n');
    };
    apply(['h:1']);
    await clock.advance(4 * INTERVAL);
    expect([asked, taken.length]).toEqual([1, 1]);
    taken[0]?.();
    await clock.advance(2 * INTERVAL);
    expect([asked, taken.length]).toEqual([2, 2]);
    taken[1]?.();
  });

  it('a suspended machine scrapes once when it wakes', async () => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(INTERVAL);
    const sleep = clock.sleep.bind(clock);
    clock.sleep = (ms, signal) => sleep(ms + 100 * INTERVAL + 20, signal);
    await clock.advance(INTERVAL);
    clock.sleep = sleep;
    await clock.advance(101 * INTERVAL);
    expect(scrapes).toHaveLength(3);
    await clock.advance(INTERVAL);
    expect(scrapes).toHaveLength(4);
  });
});

describe('what', () => {
  it('samples and report series', async () => {
    const { apply, clock, scrapes, net } = setup();
    net.respond = async () => {
      await clock.sleep(12.3456);
      return text('a 1\nb{instance="x"} 2\n# comment\ndropped 3\n');
    };
    const drop = { ...defaultRelabelConfig, action: 'drop' as const, sourceLabels: ['__name__'], regex: 'dropped' };
    apply(['h:1'], { metricRelabelConfigs: [drop] });
    await clock.advance(2 * INTERVAL);
    expect(scrapes[0]?.target).toEqual([
      ['instance', 'h:1'],
      ['job', 'node'],
    ]);
    expect(scrapes.map(samplesOf)).toEqual([
      {
        a: 1,
        'b{exported_instance="x"}': 2,
        ...UP,
        scrape_samples_scraped: 3,
        scrape_samples_post_metric_relabeling: 2,
        scrape_series_added: 2,
        scrape_duration_seconds: 0.012346,
      },
      {
        a: 1,
        'b{exported_instance="x"}': 2,
        ...UP,
        scrape_samples_scraped: 3,
        scrape_samples_post_metric_relabeling: 2,
        scrape_duration_seconds: 0.012346,
      },
    ]);
  });

  it('the request', async () => {
    const { apply, clock, net } = setup();
    apply(['h:1'], { scrapeTimeoutMs: 2500, bodySizeLimit: 1000, params: { b: ['2 &'], a: ['1'] } });
    await clock.advance(INTERVAL);
    expect(net.requests[0]).toMatchObject({
      method: 'GET',
      url: 'http://h:1/metrics?a=1&b=2+%26',
      headers: {
        accept:
          'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,' +
          'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
        'accept-encoding': 'gzip',
        'user-agent': 'agent-lite/1.2.3',
        'x-prometheus-scrape-timeout-seconds': '2.5',
      },
      timeoutMs: 2500,
      maxBytes: 999,
    });
  });
});

describe('what a scrape brings besides samples', () => {
  const openMetrics = (body: string): HttpResponse => ({
    ...text(body),
    headers: { 'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8' },
  });

  it('exemplars, and metadata where it changed', async () => {
    const { apply, clock, scrapes, metrics, net } = setup();
    net.respond = () => openMetrics('# TYPE a gauge\na 1 # {t="x"} 2 3.5\nb 1 # {t="1",t="2"} 1\n# EOF\n');
    apply(['h:1']);
    await clock.advance(2 * INTERVAL);
    expect(scrapes.map(({ exemplars, metadata }) => ({ exemplars, metadata }))).toEqual([
      { exemplars: [{ row: 0, labels: [['t', 'x']], value: 2, ms: 3500 }], metadata: [{ family: 'a', type: 'gauge', help: '', unit: '' }] },
      { exemplars: [], metadata: undefined },
    ]);
    expect(metrics.values.get('agent_lite_scraped_exemplars_total')).toBe(1);
    expect(metrics.values.get('agent_lite_scraped_exemplars_dropped_total invalid')).toBe(2);
  });

  it('metadata again where the log did not take it', async () => {
    const taken: Scrape[] = [];
    let broken = true;
    const { apply, clock, net } = setup({
      append(scrape) {
        if (broken) throw new Error('disk gone');
        taken.push(scrape);
      },
    });
    net.respond = () => text('# TYPE a gauge\na 1\n');
    apply(['h:1']);
    await clock.advance(INTERVAL);
    broken = false;
    await clock.advance(2 * INTERVAL);
    expect(taken.map(({ metadata }) => metadata?.length)).toEqual([1, undefined]);
  });

  it('further samples of a series as scrapes of their own, a millisecond on', async () => {
    const { apply, clock, scrapes, net } = setup();
    const at = clock.now();
    net.respond = () => text(`a 1 ${at}\na 2 ${at + 1}\na 3 ${at + 2}\n`);
    apply(['h:1']);
    await clock.advance(INTERVAL);
    expect(scrapes.map((scrape) => ({ ...samplesOf(scrape), at: scrape.wallMs - (scrapes[0]?.wallMs ?? 0) }))).toMatchObject([
      { a: 1, up: 1, at: 0 },
      { a: 2, at: 1 },
      { a: 3, at: 2 },
    ]);
    expect(scrapes.slice(1).map(({ report }) => countSamples(report))).toEqual([0, 0]);
    expect(scrapes.map(({ cells }) => cells?.ownTimes?.get(0)?.[0])).toEqual([at, at + 1, at + 2]);
  });

  it.each<[string, Parameters<typeof text>[0] | Error, number]>([
    ['a good scrape', 'a 1\n', 4],
    ['text that is refused', '<html>\n', 7],
    ['an empty body', '', 0],
    ['no answer', new HttpError('network', 'refused'), 0],
    ['too long an answer', new HttpError('too_large', 'too large'), -1],
  ])('extra_scrape_metrics: %s', async (_, body, bytes) => {
    const { apply, clock, scrapes, net } = setup();
    net.respond = () => {
      if (body instanceof Error) throw body;
      return text(body);
    };
    apply(['h:1'], { extraScrapeMetrics: true, sampleLimit: 500, scrapeTimeoutMs: 2500 });
    await clock.advance(INTERVAL);
    expect(samplesOf(scrapes[0] ?? expect.fail())).toMatchObject({
      scrape_timeout_seconds: 2.5,
      scrape_sample_limit: 500,
      scrape_body_size_bytes: bytes,
    });
  });

  it('what is dropped of a scrape is counted', async () => {
    const { apply, clock, net, metrics } = setup();
    net.respond = async () => text(`a 1\na 2\nb 1 ${clock.now()}\nb 2 ${clock.now() - 1000}\nc 1 ${2 ** 60}\n`);
    apply(['h:1']);
    await clock.advance(INTERVAL);
    const dropped = [...metrics.values].filter(([key]) => key.startsWith('agent_lite_scraped_samples_dropped_total'));
    expect(Object.fromEntries(dropped)).toEqual({
      'agent_lite_scraped_samples_dropped_total duplicate': 1,
      'agent_lite_scraped_samples_dropped_total out_of_order': 1,
      'agent_lite_scraped_samples_dropped_total out_of_bounds': 1,
    });
  });

  it('fallback_scrape_protocol reads what has no content type', async () => {
    const { apply, clock, scrapes, net } = setup();
    net.respond = () => ({ ...text('a 1 1.5\n# EOF\n'), headers: {} });
    apply(['h:1'], { fallbackScrapeProtocol: 'OpenMetricsText1.0.0' });
    await clock.advance(INTERVAL);
    expect(scrapes[0]?.cells?.ownTimes?.get(0)?.[0]).toBe(1500);
  });
});

describe('failures', () => {
  const answer = (over: Partial<HttpResponse>): HttpResponse => ({ ...text('a 1\n'), ...over });
  it.each([
    ['status 500', () => answer({ status: 500 }), 'expected HTTP status 200, got 500', DOWN],
    ['status 204', () => answer({ status: 204 }), 'expected HTTP status 200, got 204', DOWN],
    ['a timeout', () => Promise.reject(new HttpError('timeout', 'too slow')), 'too slow', DOWN],
    [
      'HTML',
      () => answer({ headers: { 'content-type': 'text/html' } }),
      'content type: expected text/plain or application/openmetrics-text, got "text/html"',
      DOWN,
    ],
    ['no content type', () => answer({ headers: {} }), 'content type: expected text/plain or application/openmetrics-text, got none', DOWN],
    [
      'invalid text',
      () => text('b 1\nc x\n'),
      'line 2: expected a sample value, got "x"',
      { ...DOWN, scrape_samples_scraped: 1, scrape_samples_post_metric_relabeling: 1, scrape_series_added: 1 },
    ],
  ])('%s: up 0, markers once, and back again', async (_, bad, error, report) => {
    const { apply, clock, scrapes, net, manager, logger, metrics } = setup();
    apply(['h:1']);
    await clock.advance(INTERVAL);
    net.respond = bad;
    await clock.advance(2 * INTERVAL);
    expect(manager.targets()).toMatchObject([{ health: 'down', error: expect.stringContaining(error) }]);
    net.respond = () => text('a 2\n');
    await clock.advance(INTERVAL);
    expect(scrapes.slice(1).map(samplesOf)).toEqual([
      { a: 'stale', ...report },
      report,
      { a: 2, ...UP, scrape_series_added: expect.any(Number) },
    ]);
    expect(manager.targets()).toMatchObject([{ health: 'up', error: undefined }]);
    // Each change is logged once.
    expect(logger.lines.map(({ message }) => message)).toEqual(['Scrape failed', 'Target is up again']);
    expect(metrics.values.get('agent_lite_scrapes_failed_total')).toBe(2);
    expect(metrics.values.get('agent_lite_scrapes_total')).toBe(4);
  });

  it('before the first success has only report series', async () => {
    const { apply, clock, scrapes, net } = setup();
    net.respond = () => answer({ status: 404 });
    apply(['h:1']);
    await clock.advance(INTERVAL);
    expect(scrapes[0]).toMatchObject({ table: undefined, cells: undefined });
    expect(scrapes.map(samplesOf)).toEqual([DOWN]);
  });

  it('an empty body is a success', async () => {
    const { apply, clock, scrapes, net } = setup();
    apply(['h:1']);
    await clock.advance(INTERVAL);
    net.respond = () => ({ status: 200, headers: {}, body: new Uint8Array(0) });
    await clock.advance(INTERVAL);
    expect(samplesOf(scrapes[1] ?? expect.fail())).toEqual({
      a: 'stale',
      ...UP,
      scrape_samples_scraped: 0,
      scrape_samples_post_metric_relabeling: 0,
    });
  });

  it('of the log do not stop scraping', async () => {
    let calls = 0;
    const { apply, clock, logger } = setup({
      append() {
        calls++;
        throw new Error('disk gone');
      },
    });
    apply(['h:1']);
    await clock.advance(3 * INTERVAL);
    expect(calls).toBe(3);
    expect(logger.text('error')).toContain('Appending a scrape failed {"err":"disk gone"}');
  });
});

it('a fault in the agent costs one scrape', async () => {
  let broken = true;
  const { apply, clock, scrapes, logger } = setup({
    sha256(bytes) {
      if (broken) throw new Error('no sha256');
      return bytes.slice(0, 32);
    },
  });
  apply(['h:1']);
  await clock.advance(INTERVAL);
  broken = false;
  await clock.advance(INTERVAL);
  expect(scrapes.map(samplesOf)).toMatchObject([{ a: 1, up: 1 }]);
  expect(logger.text('error')).toContain('no sha256');
});

describe('the end of a target', () => {
  it('markers for all series after two ticks and a tenth, dated at the first missed tick', async () => {
    const { apply, clock, scrapes, manager } = setup();
    apply(['h:1']);
    await clock.advance(2 * INTERVAL);
    const last = scrapes.at(-1);
    apply([]);
    expect(manager.targets()).toEqual([]);
    const passed = clock.boot() - (last?.bootMs ?? 0);
    await clock.advance(2.1 * INTERVAL - passed - 1);
    expect(scrapes).toHaveLength(2);
    await clock.advance(2);
    expect(scrapes).toHaveLength(3);
    expect(scrapes[2]).toMatchObject({
      wallMs: (last?.wallMs ?? 0) + INTERVAL,
      bootMs: (last?.bootMs ?? 0) + INTERVAL,
      target: last?.target,
    });
    expect(samplesOf(scrapes[2] ?? expect.fail())).toEqual({ a: 'stale', ...GONE });
    await clock.advance(10 * INTERVAL);
    expect(scrapes).toHaveLength(3);
    expect(clock.sleeping).toBe(0);
  });

  it('no markers where it comes back in time; its schedule and table go on', async () => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(INTERVAL);
    apply([]);
    await clock.advance(INTERVAL);
    apply(['h:1']);
    await clock.advance(2 * INTERVAL);
    expect(scrapes.map((scrape) => samplesOf(scrape)['a'])).not.toContain('stale');
    expect(scrapes.at(-1)?.table).toBe(scrapes[0]?.table);
    expect(new Set(scrapes.map(({ wallMs }) => wallMs % INTERVAL)).size).toBe(1);
  });

  it('starts anew where it comes back later', async () => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    await clock.advance(INTERVAL);
    apply([]);
    await clock.advance(5 * INTERVAL);
    apply(['h:1']);
    await clock.advance(INTERVAL);
    expect(scrapes.map((scrape) => samplesOf(scrape)['up'])).toEqual([1, 'stale', 1]);
  });

  it('no markers for a target that was never scraped', async () => {
    const { apply, clock, scrapes } = setup();
    apply(['h:1']);
    apply([]);
    await clock.advance(5 * INTERVAL);
    expect(scrapes).toEqual([]);
    expect(clock.sleeping).toBe(0);
  });

  it('a scrape under way is kept', async () => {
    const { apply, clock, scrapes, net } = setup();
    net.respond = async () => {
      await clock.sleep(100);
      return text('a 1\n');
    };
    apply(['h:1']);
    while (net.requests.length === 0) await clock.advance(50);
    apply([]);
    await clock.advance(100);
    expect(scrapes.map(samplesOf)).toMatchObject([{ a: 1, up: 1 }]);
  });
});

describe('stop', () => {
  it('gives up the scrape under way without a trace, and writes no markers', async () => {
    const { apply, clock, scrapes, net, manager, clients } = setup();
    apply(['h:1', 'h:2']);
    await clock.advance(INTERVAL);
    const before = scrapes.length;
    net.respond = ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new HttpError('aborted', 'given up'))));
    await clock.advance(INTERVAL);
    await manager.stop();
    await clock.advance(5 * INTERVAL);
    expect(scrapes).toHaveLength(before);
    expect(clients).toEqual([{ closed: true }]);
    expect(clock.sleeping).toBe(0);
  });

  it('waits for the record under way', async () => {
    let finish: () => void = () => {};
    const { apply, clock, manager } = setup({ append: () => new Promise<void>((resolve) => (finish = resolve)) });
    apply(['h:1']);
    await clock.advance(INTERVAL);
    let stopped = false;
    const stopping = manager.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect(stopped).toBe(false);
    finish();
    await stopping;
  });
});
