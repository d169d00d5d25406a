import { describe, expect, it } from 'vitest';
import { RETRY_AFTER_MAX_MS } from '../../../agent-lite/remote-write/delivery.ts';
import { prometheus } from '../../../contract/generated/remote.js';
import { labelsFromRecord } from '../../../contract/labels.ts';
import { defaultRelabelConfig } from '../../../contract/relabel.ts';
import { REPORT_NAMES } from '../../../contract/report-series.ts';
import { snappyUncompress } from '../../../contract/snappy.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLog } from '../../fakes/log.ts';
import { scrape, tableOf, target } from '../push/scrapes.ts';
import { rig, type Sent, valuesOf } from './rig.ts';

const REPORT = REPORT_NAMES.length;
const gaps = (sent: readonly Sent[]): number[] => sent.slice(1).map(({ bootMs }, i) => bootMs - (sent[i] as Sent).bootMs);

describe('remote write', () => {
  it('sends what is in the log within the deadline, and moves its own cursor', async () => {
    const { clock, log, writer, stored, receiver, metric } = rig();
    const table = await tableOf('a', 'b');
    writer.start();
    for (let i = 0; i < 3; i++) {
      log.append(scrape(clock, { table, value: i }));
      await clock.advance(5000);
    }
    await clock.advance(5000);
    expect(valuesOf(stored({ __name__: 'a', job: 'test', instance: 'a' }))).toEqual([0, 1, 2]);
    expect(valuesOf(stored({ __name__: 'up', job: 'test', instance: 'a' }))).toEqual([1, 1, 1]);
    expect(log.cursor('remote_write/r')).toEqual(log.head());
    expect(log.cursor('edge').position).toBe(0);
    expect(metric('agent_lite_remote_write_samples_total')).toBe(3 * (2 + REPORT));
    expect(receiver.silentlyDropped).toBe(0);
    expect(writer.status()).toMatchObject({ state: 'ok', url: 'http://receiver/api/v1/write', failures: 0, backlogRecords: 0 });
    await writer.stop(1000);
    expect(writer.status().state).toBe('stopped');
  });

  it('says what the specification demands, and nothing of it can be told otherwise', async () => {
    const { clock, log, writer, sent } = rig();
    log.append(scrape(clock, { table: await tableOf('a') }));
    writer.start();
    await clock.advance(100);
    expect(sent[0]?.headers).toEqual({
      'content-encoding': 'snappy',
      'content-type': 'application/x-protobuf',
      'user-agent': 'agent-lite/test',
      'x-prometheus-remote-write-version': '0.1.0',
    });
    await writer.stop(1000);
  });

  it('keeps every bit: markers, -0, NaN', async () => {
    const { clock, log, writer, stored } = rig();
    const table = await tableOf('a');
    for (const value of [-0, Number.NaN, 'stale', Number.NEGATIVE_INFINITY] as const) {
      log.append(scrape(clock, { table, value }));
      clock.stepWall(1000);
    }
    writer.start();
    await clock.advance(100);
    expect(stored({ __name__: 'a', job: 'test', instance: 'a' }).map(({ bits }) => bits)).toEqual([
      0x8000000000000000n,
      0x7ff8000000000001n,
      0x7ff0000000000002n,
      0xfff0000000000000n,
    ]);
    await writer.stop(1000);
  });

  it('leaves times as the device’s clock gave them, in 1970 too', async () => {
    const clock = new ManualClock({ now: 5000 });
    const { log, writer, stored } = rig({ clock, receiverOptions: { now: () => 1_750_000_000_000 } });
    const table = await tableOf('a');
    for (let i = 0; i < 3; i++) {
      log.append(scrape(clock, { table, value: i }));
      clock.stepWall(3_600_000);
    }
    writer.start();
    await clock.advance(100);
    expect(stored({ __name__: 'a', job: 'test', instance: 'a' }).map(({ ms }) => ms)).toEqual([5000, 3_605_000, 7_205_000]);
    await writer.stop(1000);
  });

  it('adds external labels where they are missing, then applies write_relabel_configs', async () => {
    const rules = [
      { ...defaultRelabelConfig, sourceLabels: ['__name__'], regex: 'b|scrape_.*', action: 'drop' as const },
      { ...defaultRelabelConfig, sourceLabels: ['site'], targetLabel: 'place' },
      { ...defaultRelabelConfig, sourceLabels: ['__name__'], regex: 'c2', targetLabel: '__name__', replacement: 'c1' },
      { ...defaultRelabelConfig, sourceLabels: ['__name__'], regex: 'd', targetLabel: '__name__', replacement: '' },
    ];
    const externalLabels = labelsFromRecord({ site: 'north', job: 'other' });
    const { clock, log, writer, receiver, dropped } = rig({ externalLabels, config: { writeRelabelConfigs: rules } });
    log.append(scrape(clock, { table: await tableOf('a', 'b', 'c1', 'c2', 'd') }));
    writer.start();
    await clock.advance(100);
    const names = [...receiver.tenant('').series.values()].map(({ labels }) => Object.fromEntries(labels));
    const own = { instance: 'a', job: 'test', place: 'north', site: 'north' };
    expect(names).toEqual(['a', 'c1', 'up'].map((__name__) => ({ __name__, ...own })));
    expect(dropped('relabel')).toBe(5);
    expect(dropped('duplicate')).toBe(1);
    expect(dropped('no_metric_name')).toBe(1);
    await writer.stop(1000);
  });

  it('keeps requests within max_samples_per_send, in the order of the log', async () => {
    const { clock, log, writer, receiver, stored } = rig({ queue: { maxSamplesPerSend: 10, capacity: 25 } });
    const table = await tableOf(...Array.from({ length: 12 }, (_, i) => `m${i}`));
    for (let i = 0; i < 20; i++) {
      log.append(scrape(clock, { table, value: i }));
      clock.stepWall(1000);
    }
    writer.start();
    await clock.advance(100);
    const sizes = receiver.requests.map(({ samples }) => samples);
    expect(Math.max(...sizes)).toBe(10);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(20 * (12 + REPORT));
    expect(valuesOf(stored({ __name__: 'm11', job: 'test', instance: 'a' }))).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await writer.stop(1000);
  });

  it('goes on where it stopped after a restart, and skips nothing', async () => {
    const first = rig();
    const { clock, log, receiver } = first;
    const table = await tableOf('a');
    first.writer.start();
    log.append(scrape(clock, { table, value: 1 }));
    await clock.advance(5000);
    receiver.behave({ kind: 'down' });
    log.append(scrape(clock, { table, value: 2 }));
    await clock.advance(5000);
    await Promise.all([first.writer.stop(1000), clock.advance(1000)]);
    log.restart();
    log.append(scrape(clock, { table, value: 3 }));
    receiver.behave({ kind: 'ok' });
    const second = rig({ clock, log, receiver });
    second.writer.start();
    await clock.advance(5000);
    expect(valuesOf(first.stored({ __name__: 'a', job: 'test', instance: 'a' }))).toEqual([1, 2, 3]);
    expect(receiver.requests.every(({ status }) => status === 204)).toBe(true);
    await second.writer.stop(1000);
  });

  it('flushes when it is stopped', async () => {
    const { clock, log, writer, stored } = rig();
    writer.start();
    await clock.advance(100);
    log.append(scrape(clock, { table: await tableOf('a'), value: 7 }));
    await writer.stop(1000);
    expect(valuesOf(stored({ __name__: 'a', job: 'test', instance: 'a' }))).toEqual([7]);
    expect(log.cursor('remote_write/r')).toEqual(log.head());
  });

  it('stops at the deadline where the receiver does not answer, and forgets nothing', async () => {
    const { clock, log, writer, receiver } = rig();
    receiver.behave({ kind: 'hang' });
    log.append(scrape(clock, { table: await tableOf('a') }));
    writer.start();
    await clock.advance(100);
    let stopped = false;
    const stopping = writer.stop(10_000).then(() => {
      stopped = true;
    });
    await clock.advance(9_900);
    expect(stopped).toBe(false);
    await clock.advance(200);
    expect(stopped).toBe(true);
    await stopping;
    expect(log.cursor('remote_write/r').position).toBe(0);
  });

  it('counts what the log no longer holds', async () => {
    const { clock, log, writer, metric, stored } = rig();
    const table = await tableOf('a');
    // What was gone before the receiver was new is no loss.
    log.damage(3, 'evicted');
    log.append(scrape(clock, { table }));
    log.damage(4, 'evicted');
    clock.stepWall(1000);
    log.append(scrape(clock, { table }));
    writer.start();
    await clock.advance(100);
    expect(metric('agent_lite_remote_write_lost_records_total{remote_name="r",reason="evicted"}')).toBe(4);
    expect(stored({ __name__: 'a', job: 'test', instance: 'a' })).toHaveLength(2);
    await writer.stop(1000);
  });

  it('goes on after the log could not be read', async () => {
    class UnreadableLog extends FakeLog {
      broken = true;
      override async *read(after: number): ReturnType<FakeLog['read']> {
        for await (const entry of super.read(after)) {
          if (this.broken && entry.kind === 'scrape' && entry.scrape.position === 2) throw new Error('disk away');
          yield entry;
        }
      }
    }
    const log = new UnreadableLog('0000000c');
    const { clock, writer, stored, receiver } = rig({ log });
    const table = await tableOf('a');
    for (const value of [1, 2]) {
      log.append(scrape(clock, { table, value }));
      clock.stepWall(1000);
    }
    writer.start();
    await clock.advance(100);
    expect(writer.status()).toMatchObject({ state: 'retrying', error: 'Error: disk away' });
    log.broken = false;
    await clock.advance(5000);
    expect(valuesOf(stored({ __name__: 'a', job: 'test', instance: 'a' }))).toEqual([1, 2]);
    expect(receiver.requests.map(({ status }) => status)).toEqual([204, 204]);
    expect(writer.status()).toMatchObject({ state: 'ok', error: undefined });
    await writer.stop(1000);
  });
});

describe('retries', () => {
  it.each([
    { name: 'no connection', behaviour: { kind: 'down' } as const },
    { name: '500', behaviour: { kind: 'status', status: 500 } as const },
    { name: '503', behaviour: { kind: 'status', status: 503 } as const },
    { name: '429', behaviour: { kind: 'status', status: 429 } as const },
    { name: 'a redirect', behaviour: { kind: 'status', status: 302, headers: { location: 'http://portal/' } } as const },
    { name: 'a web page', behaviour: { kind: 'status', status: 200, words: '<html>', headers: { 'content-type': 'text/html' } } as const },
  ])('$name: the gaps double from min_backoff to max_backoff and never shrink', async ({ behaviour }) => {
    const { clock, log, writer, receiver, sent, stored } = rig({ queue: { minBackoffMs: 100, maxBackoffMs: 1000 } });
    receiver.behave(behaviour);
    log.append(scrape(clock, { table: await tableOf('a') }));
    writer.start();
    await clock.advance(4000);
    expect(gaps(sent)).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(sent.map(({ headers }) => headers['retry-attempt'])).toEqual([undefined, '1', '2', '3', '4', '5', '6']);
    expect(writer.status()).toMatchObject({ state: 'retrying', failures: 7 });
    expect(writer.status().nextTryInMs).toBeLessThanOrEqual(1000);
    receiver.behave({ kind: 'ok' });
    await clock.advance(1000);
    expect(stored({ __name__: 'a', job: 'test', instance: 'a' })).toHaveLength(1);
    expect(writer.status()).toMatchObject({ state: 'ok', failures: 0, error: undefined });
    await writer.stop(1000);
  });

  it('honours Retry-After, within bounds, and does not come back sooner afterwards', async () => {
    const { clock, log, writer, receiver, sent } = rig({ queue: { minBackoffMs: 100, maxBackoffMs: 1000 } });
    receiver.behaveNext(
      { kind: 'status', status: 503, headers: { 'retry-after': '7' } },
      { kind: 'status', status: 503 },
      { kind: 'status', status: 429, headers: { 'retry-after': '999999' } },
    );
    log.append(scrape(clock, { table: await tableOf('a') }));
    writer.start();
    await clock.advance(14_100);
    expect(gaps(sent)).toEqual([7000, 7000]);
    await clock.advance(RETRY_AFTER_MAX_MS);
    expect(gaps(sent)).toEqual([7000, 7000, RETRY_AFTER_MAX_MS]);
    await writer.stop(1000);
  });

  it.each([400, 401, 403, 404, 409, 415, 422])(
    '%i is not sent again: dropped, counted, and said in the receiver’s words',
    async (status) => {
      const { clock, log, writer, receiver, dropped, logger } = rig();
      receiver.behaveNext({ kind: 'status', status, words: 'I will not take this' });
      const table = await tableOf('a');
      log.append(scrape(clock, { table, value: 1 }));
      writer.start();
      await clock.advance(5000);
      expect(receiver.requests.map((request) => request.status)).toEqual([status]);
      expect(dropped(status === 409 ? 'partly_refused' : 'refused')).toBe(1 + REPORT);
      expect(logger.text('error')).toContain('I will not take this');
      expect(log.cursor('remote_write/r')).toEqual(log.head());
      log.append(scrape(clock, { table, value: 2 }));
      await clock.advance(5000);
      expect(receiver.requests.map((request) => request.status)).toEqual([status, 204]);
      await writer.stop(1000);
    },
  );

  it('429 is dropped and counted where retry_on_http_429 says no', async () => {
    const { clock, log, writer, receiver, dropped } = rig({ queue: { retryOnHttp429: false } });
    receiver.behaveNext({ kind: 'status', status: 429 });
    log.append(scrape(clock, { table: await tableOf('a') }));
    writer.start();
    await clock.advance(5000);
    expect(receiver.requests).toHaveLength(1);
    expect(dropped('rate_limited')).toBe(1 + REPORT);
    await writer.stop(1000);
  });

  it('sends less at once where the receiver says it is too much, from then on', async () => {
    const { clock, log, writer, receiver, dropped, metric } = rig({ receiverOptions: { maxSamples: 6 } });
    const table = await tableOf(...Array.from({ length: 15 }, (_, i) => `m${i}`));
    log.append(scrape(clock, { table }));
    writer.start();
    await clock.advance(100);
    expect(metric('agent_lite_remote_write_samples_total')).toBe(15 + REPORT);
    const before = receiver.requests.length;
    clock.stepWall(1000);
    log.append(scrape(clock, { table }));
    await clock.advance(5000);
    expect(metric('agent_lite_remote_write_samples_total')).toBe(2 * (15 + REPORT));
    expect(receiver.requests.slice(before).every(({ status }) => status === 204)).toBe(true);
    expect(dropped('refused')).toBe(0);
    await writer.stop(1000);
  });

  it('drops samples older than sample_age_limit, also while it retries', async () => {
    const { clock, log, writer, receiver, dropped, stored } = rig({ queue: { sampleAgeLimitMs: 60_000 } });
    receiver.behave({ kind: 'down' });
    const table = await tableOf('a');
    log.append(scrape(clock, { table, value: 1 }));
    writer.start();
    await clock.advance(50_000);
    log.append(scrape(clock, { table, value: 2 }));
    await clock.advance(20_000);
    receiver.behave({ kind: 'ok' });
    await clock.advance(10_000);
    expect(valuesOf(stored({ __name__: 'a', job: 'test', instance: 'a' }))).toEqual([2]);
    expect(dropped('too_old')).toBe(1 + REPORT);
    expect(log.cursor('remote_write/r')).toEqual(log.head());
    await writer.stop(1000);
  });
});

describe('a receiver that refuses a request for one of its samples', () => {
  it('loses only the samples that it refuses', async () => {
    const { clock, log, writer, receiver, dropped, stored } = rig();
    const table = await tableOf('a', 'b', 'c');
    // Row 0 brings a timestamp of its own, an hour ahead: Prometheus refuses the request that has it.
    log.append(scrape(clock, { table, ownTime: clock.now() + 3_600_000 }));
    writer.start();
    await clock.advance(1000);
    expect(dropped('out_of_order')).toBe(1);
    for (const name of ['b', 'c', 'up']) expect(stored({ __name__: name, job: 'test', instance: 'a' })).toHaveLength(1);
    expect(receiver.requests.length).toBeLessThan(12);
    await writer.stop(1000);
  });

  it('loses nothing after an answer that did not arrive', async () => {
    const { clock, log, writer, receiver, stored, dropped } = rig();
    const table = await tableOf('a', 'b');
    for (let i = 0; i < 3; i++) {
      log.append(scrape(clock, { table, value: i }));
      clock.stepWall(1000);
    }
    receiver.behaveNext({ kind: 'store_then_close' });
    writer.start();
    await clock.advance(1000);
    expect(valuesOf(stored({ __name__: 'a', job: 'test', instance: 'a' }))).toEqual([0, 1, 2]);
    // The first two scrapes were refused as late; they are there.
    expect(dropped('out_of_order')).toBe(2 * (2 + REPORT));
    await writer.stop(1000);
  });

  it('loses nothing after it was killed before it wrote its cursor down', async () => {
    const first = rig();
    const { clock, log, receiver } = first;
    const table = await tableOf('a', 'b');
    for (let i = 0; i < 3; i++) {
      log.append(scrape(clock, { table, value: i }));
      clock.stepWall(1000);
    }
    const before = log.cursor('remote_write/r');
    first.writer.start();
    await clock.advance(100);
    await first.writer.stop(1000);
    await log.moveCursor('remote_write/r', before);
    log.append(scrape(clock, { table, value: 3 }));
    const second = rig({ clock, log, receiver });
    second.writer.start();
    await clock.advance(1000);
    expect(valuesOf(first.stored({ __name__: 'b', job: 'test', instance: 'a' }))).toEqual([0, 1, 2, 3]);
    await second.writer.stop(1000);
  });
});

describe('shards', () => {
  it('are more while the log is ahead, and fewer when it is not; a series keeps its order', async () => {
    const { clock, log, writer, receiver, stored } = rig({
      queue: { maxSamplesPerSend: 5, capacity: 10, maxShards: 4 },
      config: { remoteTimeoutMs: 60_000 },
    });
    const table = await tableOf(...Array.from({ length: 15 }, (_, i) => `m${i}`));
    for (let i = 0; i < 200; i++) {
      log.append(scrape(clock, { table, value: i }));
      clock.stepWall(1000);
    }
    slow(receiver, clock, 500);
    writer.start();
    let most = 0;
    for (let i = 0; i < 400 && log.cursor('remote_write/r').position < 200; i++) {
      await clock.advance(1000);
      most = Math.max(most, writer.status().shards);
    }
    expect(most).toBe(4);
    expect(valuesOf(stored({ __name__: 'm7', job: 'test', instance: 'a' }))).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(receiver.silentlyDropped).toBe(0);
    expect(receiver.requests.every(({ status }) => status === 204)).toBe(true);
    await clock.advance(300_000);
    expect(writer.status().shards).toBe(1);
    await writer.stop(1000);
  });

  it('hold no more than their capacity, however much waits in the log', async () => {
    const { clock, log, writer, receiver } = rig({ queue: { capacity: 50, maxSamplesPerSend: 10 } });
    receiver.behave({ kind: 'down' });
    const table = await tableOf('a', 'b');
    for (let i = 0; i < 1000; i++) log.append(scrape(clock, { table, value: i }));
    let read = 0;
    const { read: readOn } = log;
    log.read = async function* (after) {
      for await (const entry of readOn.call(log, after)) {
        read++;
        yield entry;
      }
    };
    writer.start();
    await clock.advance(60_000);
    expect(read).toBeLessThanOrEqual(50 / (2 + REPORT) + 3);
    await Promise.all([writer.stop(1000), clock.advance(1000)]);
  });
});

describe('exemplars and metadata', () => {
  const decode = ({ body }: Sent) => prometheus.RawWriteRequest.decode(snappyUncompress(body, 1e6));

  it.each([true, false])('send_exemplars: %s', async (sendExemplars) => {
    const { clock, log, writer, sent } = rig({ config: { sendExemplars } });
    const one = scrape(clock, { table: await tableOf('a', 'b') });
    log.append({ ...one, exemplars: [{ row: 1, labels: labelsFromRecord({ trace_id: 'x' }), value: 0.5, ms: undefined }] });
    writer.start();
    await clock.advance(100);
    const series = decode(sent[0] as Sent).timeseries;
    expect(series.map(({ exemplars }) => exemplars?.length ?? 0)).toEqual([0, sendExemplars ? 1 : 0, 0, 0, 0, 0, 0]);
    await writer.stop(1000);
  });

  it('tells metadata each send_interval, in requests of their own', async () => {
    const { clock, log, writer, sent } = rig({ config: { metadataConfig: { send: true, sendIntervalMs: 60_000, maxSamplesPerSend: 2 } } });
    const table = await tableOf('a');
    const metadata = ['a', 'b', 'c'].map((family) => ({ family, type: 'gauge' as const, help: 'Help.', unit: '' }));
    log.append({ ...scrape(clock, { table }), metadata });
    log.append({ ...scrape(clock, { table, target: target('b') }), metadata });
    writer.start();
    await clock.advance(100);
    const families = sent.map((request) => decode(request).metadata.length);
    expect(families).toEqual([0, 2, 1]);
    await clock.advance(50_000);
    expect(sent).toHaveLength(3);
    await clock.advance(20_000);
    expect(sent).toHaveLength(5);
    await writer.stop(1000);
  });
});

/** Each answer takes so long. */
function slow(receiver: ReturnType<typeof rig>['receiver'], clock: ReturnType<typeof rig>['clock'], ms: number): void {
  const { fetch } = receiver;
  Object.assign(receiver, {
    fetch: async (...args: Parameters<typeof fetch>) => {
      await clock.sleep(ms);
      return fetch(...args);
    },
  });
}
