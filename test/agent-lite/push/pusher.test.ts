import { describe, expect, it } from 'vitest';
import { PUSH_CONTENT_TYPE } from '../../../contract/push.ts';
import { ManualClock } from '../../fakes/clock.ts';
import type { Behaviour } from '../../fakes/edge.ts';
import { FakeLog } from '../../fakes/log.ts';
import { NOW, numberOf, type Rig, rig } from './rig.ts';
import { scrape, tableOf, target } from './scrapes.ts';

const MINUTE = 60_000;
const table = await tableOf('x', 'y');

/** A scrape of target `a` every 15 s for `count` times; values count up from `first`. */
async function scrapes({ clock, log }: Rig, count: number, first = 1): Promise<void> {
  for (let i = 0; i < count; i++) {
    log.append(scrape(clock, { table, value: first + i }));
    await clock.advance(15_000);
  }
}
const values = (r: Rig): number[] => r.stored('x').map(numberOf);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('sends what is in the log', () => {
  it('within seconds of the start, table and all, and moves the cursor', async () => {
    const r = rig();
    r.log.append(scrape(r.clock, { table, value: 7 }));
    r.pusher.start();
    await r.clock.advance(5_000);
    expect(r.edge.answers).toEqual(['stored', 'unknown_tables', 'stored', 'stored']);
    expect(values(r)).toEqual([7]);
    expect(r.stored('up').map(numberOf)).toEqual([1]);
    expect(r.log.cursor('edge')).toEqual(r.log.head());
    expect(r.log.syncs).toBeGreaterThan(0);
    expect(r.pusher.status()).toMatchObject({ state: 'ok', failures: 0, error: undefined, backlogRecords: 0, clockOffsetMs: 0 });
    await r.pusher.stop(1_000);
    expect(r.pusher.status().state).toBe('stopped');
  });

  it('as deflated protobuf under our content type', async () => {
    const r = rig();
    r.log.append(scrape(r.clock));
    r.pusher.start();
    await r.clock.advance(5_000);
    for (const { headers, url } of r.edge.requests) {
      expect(headers).toEqual({ accept: PUSH_CONTENT_TYPE, 'content-type': PUSH_CONTENT_TYPE, 'content-encoding': 'deflate' });
      expect(url).toBe('http://edge/api/v1/push');
    }
    await r.pusher.stop(0);
  });

  it('as soon as the first scrape is there, and then once an interval', async () => {
    const r = rig();
    r.pusher.start();
    await r.clock.advance(20_000);
    await scrapes(r, 1);
    expect(values(r)).toEqual([1]);
    const before = r.edge.pushes.length;
    await scrapes(r, 40, 2);
    expect(r.edge.pushes.length - before).toBeGreaterThanOrEqual(9);
    expect(r.edge.pushes.length - before).toBeLessThanOrEqual(11);
    await r.pusher.stop(1_000);
    expect(values(r)).toEqual(upTo(41));
    expect(r.edge.disorder).toBe(0);
  });

  it('with staleness markers, bit by bit, and failed scrapes without a table', async () => {
    const r = rig();
    r.log.append(scrape(r.clock));
    await r.clock.advance(1000);
    r.log.append(scrape(r.clock, { table, value: 'stale' }));
    r.pusher.start();
    await r.clock.advance(5_000);
    await r.pusher.stop(0);
    expect(r.stored('x').map(({ bits }) => bits)).toEqual(['7ff0000000000002']);
    expect(r.stored('up').map(numberOf)).toEqual([0, 1]);
  });

  it('at once when flushed, and then at its turns again', async () => {
    const r = rig({ pushIntervalMs: 600_000 });
    r.pusher.start();
    await r.clock.advance(60_000);
    r.log.append(scrape(r.clock, { table, value: 1 }));
    const flushed = r.pusher.flush();
    await r.clock.advance(0);
    await flushed;
    expect(values(r)).toEqual([1]);
    await r.clock.advance(15_000);
    r.log.append(scrape(r.clock, { table, value: 2 }));
    await r.clock.advance(1_300_000);
    expect(values(r)).toEqual([1, 2]);
    await r.pusher.stop(0);
    await r.pusher.flush();
  });

  it('a flush without an answer ends, too, and so does one while it stops', async () => {
    const r = rig({ pushIntervalMs: 600_000 });
    r.edge.always = 'lose_request';
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    const flushed = Promise.all([r.pusher.flush(), r.pusher.flush()]);
    await r.clock.advance(0);
    await flushed;
    expect(r.pusher.status()).toMatchObject({ state: 'retrying', failures: 1 });
    const last = r.pusher.flush();
    await r.pusher.stop(0);
    await last;
  });

  it('sooner where there may be a better moment now, but not again within a second', async () => {
    const r = rig({ pushIntervalMs: 600_000 });
    r.pusher.start();
    r.log.append(scrape(r.clock, { table, value: 1 }));
    await r.clock.advance(10);
    r.pusher.hurry();
    await r.clock.advance(0);
    expect(values(r)).toEqual([1]);
    await r.clock.advance(500);
    r.log.append(scrape(r.clock, { table, value: 2 }));
    r.pusher.hurry();
    await r.clock.advance(0);
    expect(values(r)).toEqual([1]);
    await r.clock.advance(500);
    r.pusher.hurry();
    await r.clock.advance(0);
    expect(values(r)).toEqual([1, 2]);
    await r.pusher.stop(0);
  });

  it.each([
    ['named the time', { code: 'busy', headers: { 'retry-after': '120' } }, 60_000],
    ['refused the token', { code: 'unauthorized', named: false }, 60_000],
    ['asked for a longer interval', 'ok', 60_000],
  ] as const)('not sooner than the edge wants it, where it %s', async (_name, always, ms) => {
    const r = rig({ pushIntervalMs: 600_000 });
    r.edge.minPushIntervalMs = 120_000;
    r.edge.always = always;
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.clock.advance(5_000);
    const asked = r.edge.requests.length;
    r.log.append(scrape(r.clock, { table }));
    await r.clock.advance(ms);
    r.pusher.hurry();
    await r.clock.advance(0);
    expect(r.edge.requests.length).toBe(asked);
    await r.pusher.stop(0);
  });

  it('at once when a network is back, after failures that grew', async () => {
    const r = rig({ pushIntervalMs: 600_000 });
    r.edge.always = 'lose_request';
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.clock.advance(600_000);
    expect(r.pusher.status().failures).toBeGreaterThan(5);
    r.edge.always = 'ok';
    const nextTryMs = r.pusher.status().nextTryInMs ?? 0;
    if (nextTryMs > 1_000) await r.clock.advance(1_000);
    r.pusher.hurry();
    await r.clock.advance(0);
    expect(values(r)).toEqual([1]);
    await r.pusher.stop(0);
  });

  it('a second later where a request was under way that still failed', async () => {
    const r = rig({ pushIntervalMs: 600_000 });
    r.edge.always = 'lose_request';
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.clock.advance(600_000);
    const lost = r.edge.request.bind(r.edge);
    r.edge.request = (request) => {
      r.pusher.hurry();
      r.edge.request = lost;
      return lost(request);
    };
    const asked = r.edge.requests.length;
    while (r.edge.requests.length === asked) await r.clock.advance(1_000);
    r.edge.always = 'ok';
    await r.clock.advance(1_000);
    expect(values(r)).toEqual([1]);
    await r.pusher.stop(0);
  });

  it('before it stops', async () => {
    const r = rig();
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.pusher.stop(5_000);
    expect(values(r)).toEqual([1]);
  });

  it('at phases of their own, so that a fleet does not push in step', async () => {
    const seconds = new Set<number>();
    for (let seed = 1; seed <= 12; seed++) {
      const r = rig({ clockOptions: { seed } });
      r.pusher.start();
      await scrapes(r, 8);
      const last = r.edge.pushes.at(-1);
      seconds.add(Math.floor((last?.clock.bootMs ?? 0) / 4_000));
      await r.pusher.stop(0);
    }
    expect(seconds.size).toBeGreaterThan(6);
  });

  it('no more often than the edge asks for', async () => {
    const r = rig({ pushIntervalMs: 15_000 });
    r.edge.minPushIntervalMs = 2 * MINUTE;
    r.pusher.start();
    await scrapes(r, 40);
    expect(r.edge.pushes.length).toBeLessThanOrEqual(9);
    expect(r.pusher.status().pushIntervalMs).toBe(2 * MINUTE);
    await r.pusher.stop(0);
  });

  it('a backlog in many pushes without waiting for the interval, each within its limit', async () => {
    const r = rig({ maxCellsPerPush: 70 });
    await scrapes(r, 100);
    r.pusher.start();
    await r.clock.advance(20_000);
    expect(values(r)).toEqual(upTo(100));
    expect(r.edge.pushes.filter(({ targets }) => targets.length > 0).every(({ targets }) => (targets[0]?.times.length ?? 0) <= 10)).toBe(
      true,
    );
    expect(r.log.cursor('edge')).toEqual(r.log.head());
    await r.pusher.stop(0);
  });

  it('with the gaps that the log has', async () => {
    const r = rig();
    await scrapes(r, 1);
    r.log.damage(3);
    await scrapes(r, 1, 2);
    r.log.damage(1, 'evicted');
    r.pusher.start();
    await r.clock.advance(5_000);
    expect(values(r)).toEqual([1, 2]);
    // The gap behind the last record has no chain to end with yet.
    expect(r.edge.gaps).toEqual([{ from: 2, to: 4, reason: 'damaged' }]);
    await scrapes(r, 1, 3);
    await r.pusher.stop(1_000);
    expect(values(r)).toEqual([1, 2, 3]);
    expect(r.edge.gaps.at(-1)).toEqual({ from: 6, to: 6, reason: 'evicted' });
  });
});

/** Answers that are not the edge's, and failures on the way: nothing is believed, nothing is lost. */
describe('keeps everything', () => {
  const html = (status: number): Behaviour => ({ status, type: 'text/html', body: '<html>Log in</html>' });
  for (const [name, behaviour, error] of [
    ['at a captive portal (200, HTML)', html(200), /answered 200, but not as the edge does/],
    ['at a firewall (403, HTML)', html(403), /answered 403/],
    ['at a proxy (400, HTML)', html(400), /answered 400/],
    ['at a portal that copies our content type', { status: 200, type: PUSH_CONTENT_TYPE, body: '<html></html>' }, /not as the edge does/],
    ['at an empty 200', { status: 200, type: '', body: '' }, /not as the edge does/],
    ['when the network is down', 'lose_request', /connection refused/],
    ['when no answer comes', 'lose_answer', /no answer in time/],
    ['when the edge is busy', { code: 'busy' }, /busy/],
    ['when the edge is busy before it has read the push', { code: 'busy', named: false }, /busy/],
    ['when the edge reshards', { code: 'moved' }, /not able to take data/],
    ['when the token is refused', { code: 'unauthorized', named: false }, /check edge_push.authorization/],
    ['when the token may not push', { code: 'forbidden', named: false }, /check edge_push.authorization/],
    ['when an acknowledgement is of another push', { code: 'stored', named: false }, /expected an answer that names this push/],
    ['when a refusal is of another push', { code: 'malformed', named: false }, /expected an answer that names this push/],
    ['when a conflict is of another push', { code: 'conflict', named: false }, /expected an answer that names this push/],
    ['when the token file cannot be read', { fail: 'credentials', message: 'token: no such file' }, /no such file/],
  ] as readonly (readonly [string, Behaviour, RegExp])[]) {
    it(name, async () => {
      const r = rig();
      r.pusher.start();
      await scrapes(r, 2);
      r.edge.always = behaviour;
      await scrapes(r, 20, 3);
      const stuck = r.log.cursor('edge').position;
      expect(stuck).toBeLessThan(r.log.head().position);
      expect(r.pusher.status().error).toMatch(error);
      expect(r.pusher.status().failures).toBeGreaterThan(0);
      expect(r.log.asideRanges).toEqual([]);
      r.edge.always = 'ok';
      await r.clock.advance(10 * MINUTE);
      expect(values(r)).toEqual(upTo(22));
      expect(r.edge.disorder).toBe(0);
      expect(r.pusher.status()).toMatchObject({ state: 'ok', failures: 0, error: undefined });
      await r.pusher.stop(0);
    });
  }

  const silences: readonly [name: string, behaviour: Behaviour, minutes: number][] = [
    ['a minute where nobody answers', 'lose_request', 1],
    ['five minutes where the edge cannot', { code: 'busy' }, 5],
  ];
  it.each(silences)('and backs off with growing, random gaps of at most %s', async (_name, behaviour, minutes) => {
    const r = rig();
    r.edge.always = behaviour;
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    const at: number[] = [];
    for (let i = 0; i < 3_600; i++) {
      const before = r.edge.requests.length;
      await r.clock.advance(1_000);
      for (let n = before; n < r.edge.requests.length; n++) at.push(r.clock.boot());
    }
    expect(at.length).toBeGreaterThan(15);
    expect(at.length).toBeLessThan(50 + 100 / minutes);
    const gaps = at.slice(1).map((ms, i) => ms - (at[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(minutes * MINUTE + 2_000);
    expect(r.pusher.status().state).toBe('retrying');
    await r.pusher.stop(0);
  });

  it('and waits as long as the edge says', async () => {
    const r = rig();
    r.edge.script.push({ code: 'busy', headers: { 'retry-after': '600' } });
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.clock.advance(9 * MINUTE);
    expect(r.edge.requests).toHaveLength(1);
    await r.clock.advance(4 * MINUTE);
    expect(values(r)).toEqual([1]);
    await r.pusher.stop(0);
  });

  it('and asks seldom while the token is refused, saying so once', async () => {
    const r = rig();
    r.edge.always = { code: 'unauthorized', named: false, message: 'token expired' };
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.clock.advance(60 * MINUTE);
    expect(r.edge.requests.length).toBeLessThanOrEqual(18);
    expect(r.pusher.status().state).toBe('unauthorized');
    expect(r.logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(r.logger.text('warn')).toContain('token expired');
    await r.pusher.stop(0);
  });

  it('and tries a renewed token at once', async () => {
    let version = 'old';
    const r = rig({ tokenVersion: () => Promise.resolve(version) });
    r.edge.always = { code: 'unauthorized', named: false, message: 'token expired' };
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.clock.advance(MINUTE);
    const asked = r.edge.requests.length;
    r.edge.always = 'ok';
    version = 'new';
    await r.clock.advance(10_000);
    expect(r.edge.requests.length).toBeGreaterThan(asked);
    expect(values(r)).toEqual([1]);
    await r.pusher.stop(0);
  });

  it('and says what a certificate that is not yet valid means', async () => {
    const r = rig();
    r.edge.always = { fail: 'tls', message: 'handshake failed', cause: Object.assign(new Error('x'), { code: 'CERT_NOT_YET_VALID' }) };
    r.pusher.start();
    await r.clock.advance(5_000);
    expect(r.pusher.status().error).toMatch(/certificate of http:\/\/edge is not yet valid: the clock of this device says 2026/);
    await r.pusher.stop(0);
  });

  it('when the log cannot be read for a while', async () => {
    const r = rig();
    await scrapes(r, 1);
    const sync = r.log.sync.bind(r.log);
    r.log.sync = () => Promise.reject(new Error('EIO: i/o error'));
    r.pusher.start();
    await r.clock.advance(10_000);
    expect(r.pusher.status().error).toContain('EIO');
    r.log.sync = sync;
    await r.clock.advance(10 * MINUTE);
    expect(values(r)).toEqual([1]);
    await r.pusher.stop(0);
  });

  it('when it must stop in the middle of an outage', async () => {
    const r = rig();
    r.edge.always = 'lose_request';
    await scrapes(r, 3);
    r.pusher.start();
    await r.clock.advance(1_000);
    await r.pusher.stop(5_000);
    expect(r.log.cursor('edge').position).toBe(0);
  });
});

describe('a lost acknowledgement', () => {
  it('costs nothing: the edge has it, and the next push follows on', async () => {
    const r = rig();
    r.pusher.start();
    await scrapes(r, 4);
    r.edge.script.push('lose_answer', 'lose_request', 'lose_request', 'lose_request', 'lose_request', 'lose_answer');
    await scrapes(r, 20, 5);
    await r.pusher.stop(1_000);
    expect(values(r)).toEqual(upTo(24));
    expect(r.edge.disorder).toBe(0);
    expect(r.edge.answers).toContain('conflict');
    expect(r.edge.logs.size).toBe(1);
  });
});

it('times of records whose acknowledgement was lost count as sent', async () => {
  const r = rig();
  r.pusher.start();
  await scrapes(r, 1);
  r.edge.script.push('lose_answer');
  r.edge.always = 'lose_request';
  r.log.append(scrape(r.clock, { table, value: 2 }));
  await r.clock.advance(2 * MINUTE);
  r.edge.always = 'ok';
  const last = r.log.records.at(-1);
  r.log.append(scrape(r.clock, { table, value: 3, wallMs: last?.wallMs ?? 0, bootMs: last?.bootMs ?? 0 }));
  await r.clock.advance(10 * MINUTE);
  expect(r.edge.answers).toContain('conflict');
  expect(values(r)).toEqual([1, 2]);
  expect(r.metric('agent_lite_push_scrapes_dropped_total')).toBe(1);
  await r.pusher.stop(0);
});

describe('logs that are not what they were', () => {
  const start = async (r: Rig, count: number): Promise<void> => {
    r.pusher.start();
    await scrapes(r, count);
  };

  it('cut back after records beyond the cut were pushed: a new name, nothing lost', async () => {
    const r = rig();
    await start(r, 4);
    r.edge.script.push('lose_answer');
    await scrapes(r, 3, 5);
    r.edge.always = 'lose_request';
    await scrapes(r, 1, 8);
    await r.pusher.stop(0);
    // The power cut takes what the pusher synced last; a card may lie about that.
    const lost = r.log.clone('0000000a');
    const before = r.log.cursor('edge');
    expect(before.position).toBeLessThan(r.log.head().position);
    r.edge.always = 'ok';
    const again = rig({ clock: r.clock, edge: r.edge, log: lost, store: r.store });
    lost.cutBack();
    again.pusher.start();
    await scrapes(again, 4, 9);
    await again.pusher.stop(1_000);
    expect(new Set(values(again))).toEqual(new Set(upTo(12)));
  });

  it('copied to a second agent, both running: the second takes a new name, both lose nothing', async () => {
    const r = rig();
    await start(r, 4);
    const second = rig({ clock: r.clock, edge: r.edge, log: r.log.clone('0000000b'), store: r.store });
    second.pusher.start();
    for (let i = 0; i < 20; i++) {
      r.log.append(scrape(r.clock, { table, value: 5 + i }));
      second.log.append(scrape(r.clock, { table, target: target('b'), value: 100 + i }));
      await r.clock.advance(15_000);
    }
    await r.pusher.stop(1_000);
    await second.pusher.stop(1_000);
    expect(values(r)).toEqual(upTo(24));
    expect(r.stored('x', 'b').map(numberOf)).toEqual(Array.from({ length: 20 }, (_, i) => 100 + i));
    expect(r.edge.logs.size).toBe(2);
    expect(r.metric('agent_lite_push_forks_total') + second.metric('agent_lite_push_forks_total')).toBe(1);
    expect(r.logger.text('warn') + second.logger.text('warn')).toContain('same token used by two devices');
  });

  it('deleted while the edge still knows the device: a new log, nothing acknowledged that is not stored', async () => {
    const r = rig();
    await start(r, 4);
    await r.pusher.stop(0);
    const fresh = rig({ clock: r.clock, edge: r.edge });
    fresh.pusher.start();
    await scrapes(fresh, 4, 5);
    await fresh.pusher.stop(1_000);
    expect(values(fresh)).toEqual(upTo(8));
  });

  it('ahead of an edge that has lost its memory of it: goes on from its cursor', async () => {
    const r = rig();
    await start(r, 4);
    r.edge.logs.clear();
    await scrapes(r, 8, 5);
    await r.pusher.stop(1_000);
    expect(values(r)).toEqual(upTo(12));
  });

  it('ahead of an edge that went back: what it lost is sent again', async () => {
    const r = rig();
    r.pusher.start();
    await scrapes(r, 12);
    const [logId, points] = [...r.edge.logs][0] ?? ['', []];
    const back = points[1];
    r.edge.logs.set(logId, points.slice(1));
    for (const [key, list] of r.edge.series) r.edge.series.set(key, list.slice(0, back?.position));
    await scrapes(r, 8, 13);
    await r.pusher.stop(1_000);
    expect(values(r)).toEqual(upTo(20));
    expect(r.edge.logs.size).toBe(1);
  });

  it('against an edge that refuses its own end: waits, and neither forks nor spins', async () => {
    const r = rig();
    await start(r, 4);
    const stored = r.log.cursor('edge');
    const request = r.edge.request.bind(r.edge);
    r.edge.always = { code: 'conflict', message: 'no' };
    await scrapes(r, 8, 5);
    expect(r.log.cursor('edge')).toEqual(stored);
    expect(r.edge.logs.size).toBe(1);
    expect(r.edge.requests.length).toBeLessThan(40);
    r.edge.request = request;
    await r.pusher.stop(0);
  });
});

describe('refused data', () => {
  it('is narrowed down to the one record, which is set aside and counted; the rest arrives', async () => {
    const r = rig();
    r.edge.refuse = (_, { bits }) => bits === '4020000000000000'; // 8
    await scrapes(r, 20);
    r.pusher.start();
    await r.clock.advance(2 * MINUTE);
    expect(values(r)).toEqual(upTo(20).filter((value) => value !== 8));
    expect(r.log.asideRanges).toMatchObject([{ from: 8, to: 8 }]);
    expect(r.edge.gaps).toEqual([{ from: 8, to: 8, reason: 'set_aside' }]);
    expect(r.metric('agent_lite_push_set_aside_records_total{reason="malformed"}')).toBe(1);
    expect(r.logger.text('error')).toContain('cannot take x');
    await r.pusher.stop(0);
  });

  it('after three in a row is kept, asking seldom: a bad edge may not empty the log', async () => {
    const r = rig();
    await scrapes(r, 20);
    r.edge.refuse = () => true;
    r.pusher.start();
    await r.clock.advance(60 * MINUTE);
    expect(r.log.asideRanges).toHaveLength(3);
    expect(r.pusher.status().state).toBe('refused');
    const requests = r.edge.requests.length;
    await r.clock.advance(30 * MINUTE);
    expect(r.edge.requests.length - requests).toBeLessThanOrEqual(10);
    r.edge.refuse = () => false;
    await r.clock.advance(30 * MINUTE);
    expect(values(r)).toEqual(upTo(20).slice(3));
    await r.pusher.stop(0);
  });

  it('for its size is halved and grows again', async () => {
    const r = rig();
    r.edge.maxSamples = 30;
    await scrapes(r, 60);
    r.pusher.start();
    await r.clock.advance(2 * MINUTE);
    expect(values(r)).toEqual(upTo(60));
    expect(r.log.asideRanges).toEqual([]);
    r.edge.maxSamples = Number.POSITIVE_INFINITY;
    await scrapes(r, 60, 61);
    await r.pusher.stop(10_000);
    expect(values(r)).toEqual(upTo(120));
  });

  it('for its size down to a single record is set aside', async () => {
    const big = await tableOf(...Array.from({ length: 50 }, (_, i) => `m${i}`));
    const r = rig();
    r.edge.maxSamples = 30;
    await scrapes(r, 2);
    r.log.append(scrape(r.clock, { table: big }));
    await r.clock.advance(15_000);
    await scrapes(r, 2, 3);
    r.pusher.start();
    await r.clock.advance(2 * MINUTE);
    expect(values(r)).toEqual(upTo(4));
    expect(r.log.asideRanges).toMatchObject([{ from: 3, to: 3 }]);
    await r.pusher.stop(0);
  });

  it('is not set aside on a 413 that does not name it', async () => {
    const r = rig();
    await scrapes(r, 4);
    r.edge.always = { code: 'too_large', named: false };
    r.pusher.start();
    await r.clock.advance(10 * MINUTE);
    expect(r.log.asideRanges).toEqual([]);
    r.edge.always = 'ok';
    await r.clock.advance(10 * MINUTE);
    expect(values(r)).toEqual(upTo(4));
    await r.pusher.stop(0);
  });

  it('that was spoilt on the way is sent once more', async () => {
    const r = rig();
    await scrapes(r, 1);
    r.edge.script.push('ok', 'ok', 'ok', { code: 'malformed' });
    r.pusher.start();
    await r.clock.advance(10_000);
    expect(values(r)).toEqual([1]);
    expect(r.log.asideRanges).toEqual([]);
    await r.pusher.stop(0);
  });

  it('for a timestamp of its own in the far future is set aside alone', async () => {
    const r = rig();
    await scrapes(r, 3);
    r.log.append(scrape(r.clock, { table, value: 4, ownTime: NOW + 10 * 365 * 86_400_000 }));
    await r.clock.advance(15_000);
    await scrapes(r, 3, 5);
    r.pusher.start();
    await r.clock.advance(2 * MINUTE);
    expect(values(r)).toEqual([1, 2, 3, 5, 6, 7]);
    expect(r.metric('agent_lite_push_set_aside_records_total{reason="clock"}')).toBe(1);
    await r.pusher.stop(0);
  });
});

describe('series tables', () => {
  it('are uploaded once, and not at all where the edge has them', async () => {
    const r = rig();
    r.pusher.start();
    await scrapes(r, 12);
    expect(r.edge.requests.filter(({ method }) => method === 'PUT')).toHaveLength(1);
    await r.pusher.stop(0);
    // Another tenant's, another region's, or an edge that has forgotten the push but not the table.
    const request = r.edge.request.bind(r.edge);
    let asked = false;
    r.edge.request = (given) => {
      if (given.method !== 'POST' || asked || r.edge.pushes.length === 0) return request(given);
      asked = true;
      r.edge.script.unshift({ code: 'unknown_tables', unknownTables: [table.hash] });
      return request(given);
    };
    const twin = rig({ clock: r.clock, edge: r.edge, log: new FakeLog('0000000b'), store: r.store });
    twin.log.append(scrape(r.clock, { table, target: target('b') }));
    twin.pusher.start();
    await r.clock.advance(10_000);
    expect(asked).toBe(true);
    expect(r.edge.requests.filter(({ method }) => method === 'PUT')).toHaveLength(1);
    expect(r.edge.requests.filter(({ method }) => method === 'HEAD')).toHaveLength(2);
    expect(r.stored('x', 'b').map(numberOf)).toEqual([1]);
    await twin.pusher.stop(0);
  });

  it('that the edge does not keep are a failure after three uploads, not a loop', async () => {
    const r = rig();
    r.edge.tables.set = () => r.edge.tables;
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.clock.advance(2 * MINUTE);
    expect(r.pusher.status().error).toMatch(/still lacks series tables after 3 uploads/);
    expect(r.edge.requests.length).toBeLessThan(120);
    await r.pusher.stop(0);
  });

  it('that a portal seems to have are asked for again', async () => {
    const r = rig();
    r.edge.script.push('ok', 'ok', { status: 200, type: 'text/html', body: '<html>' });
    r.log.append(scrape(r.clock, { table }));
    r.pusher.start();
    await r.clock.advance(MINUTE);
    expect(values(r)).toEqual([1]);
    await r.pusher.stop(0);
  });

  it('that change between scrapes keep each target in order', async () => {
    const other = await tableOf('x', 'z');
    const r = rig();
    for (let i = 0; i < 6; i++) {
      r.log.append(scrape(r.clock, { table: i % 3 === 1 ? other : table, value: i }));
      r.log.append(scrape(r.clock, { target: target('b'), table, value: i }));
      await r.clock.advance(15_000);
    }
    r.pusher.start();
    await r.clock.advance(10_000);
    expect(values(r)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(r.stored('z').map(numberOf)).toEqual([1, 4]);
    expect(r.edge.disorder).toBe(0);
    // Both tables of the one over the first, what it lacks beside it, and the other target.
    expect(r.edge.pushes.at(-1)?.targets).toHaveLength(3);
    await r.pusher.stop(0);
  });
});

describe('clocks', () => {
  it('an empty push asks for the time before anything else leaves', async () => {
    const r = rig();
    await scrapes(r, 3);
    r.edge.script.push('lose_request', 'lose_request', { code: 'busy', named: false });
    r.pusher.start();
    await r.clock.advance(MINUTE);
    expect(r.edge.pushes[0]).toMatchObject({ targets: [], base: { position: 0 }, to: { position: 0 } });
    expect(values(r)).toEqual([1, 2, 3]);
    await r.pusher.stop(0);
  });

  it('a device that starts in 1970 sends true times, spaced as they were', async () => {
    const r = rig({ clockOptions: { now: 60_000 }, skewMs: NOW - 60_000 });
    await scrapes(r, 4);
    r.pusher.start();
    await r.clock.advance(10_000);
    expect(r.stored('x').map(({ ms }) => ms - NOW)).toEqual([0, 15_000, 30_000, 45_000]);
    expect(r.pusher.status()).toMatchObject({ clockCorrected: true, clockOffsetMs: NOW - 60_000 });
    expect(r.logger.text('warn')).toContain('The clock of this device is wrong');
    // NTP sets the clock: the offset stays what it was, and so do the spaces.
    r.clock.stepWall(NOW - 60_000);
    await scrapes(r, 4, 5);
    await r.pusher.stop(1_000);
    const times = r.stored('x').map(({ ms }) => ms);
    expect(times.slice(5).map((ms, i) => ms - (times[i + 4] ?? 0))).toEqual([15_000, 15_000, 15_000]);
    expect(r.edge.disorder).toBe(0);
  });

  it('a clock set right before the first push does not leave the scrapes before it in 1970', async () => {
    const r = rig({ clockOptions: { now: 60_000 }, skewMs: NOW - 60_000 });
    await scrapes(r, 2);
    r.clock.stepWall(NOW - 60_000);
    await scrapes(r, 2, 3);
    r.pusher.start();
    await r.clock.advance(10_000);
    expect(r.stored('x').map(({ ms }) => ms - NOW)).toEqual([0, 15_000, 30_000, 45_000]);
    expect(r.pusher.status().clockCorrected).toBe(false);
    await r.pusher.stop(0);
  });

  it('a clock that is 50 s off is believed', async () => {
    const r = rig({ skewMs: 50_000 });
    await scrapes(r, 1);
    r.pusher.start();
    await r.clock.advance(10_000);
    expect(r.stored('x').map(({ ms }) => ms)).toEqual([NOW]);
    await r.pusher.stop(0);
  });

  it('a clock that runs ahead is corrected, and nothing is refused by the edge', async () => {
    const r = rig({ skewMs: -7_200_000 });
    r.pusher.start();
    await scrapes(r, 8);
    await r.pusher.stop(1_000);
    expect(r.edge.answers).not.toContain('clock');
    expect(values(r)).toEqual(upTo(8));
    expect(r.stored('x')[0]?.ms).toBe(NOW - 7_200_000);
  });

  it('a clock that goes wrong in mid-boot is corrected from then on', async () => {
    const r = rig();
    r.pusher.start();
    await scrapes(r, 8);
    r.clock.stepWall(3 * 3_600_000);
    await scrapes(r, 8, 9);
    await r.pusher.stop(1_000);
    expect(values(r)).toEqual(upTo(16));
    expect(r.stored('x').every(({ ms }, i) => ms === NOW + i * 15_000)).toBe(true);
  });

  it('a restart of the agent in the same boot keeps the offset to the millisecond, and asks nothing', async () => {
    const r = rig({ clockOptions: { now: 60_000 }, skewMs: NOW - 60_000 });
    r.pusher.start();
    await scrapes(r, 4);
    await r.pusher.stop(1_000);
    const again = rig({ clock: r.clock, edge: r.edge, log: r.log, store: r.store });
    const before = r.edge.pushes.length;
    again.pusher.start();
    await scrapes(again, 4, 5);
    await again.pusher.stop(1_000);
    expect(r.edge.pushes[before]?.targets).not.toEqual([]);
    const times = again.stored('x').map(({ ms }) => ms);
    expect(times.map((ms) => ms - (times[0] ?? 0))).toEqual([0, 15_000, 30_000, 45_000, 60_000, 75_000, 90_000, 105_000]);
  });

  it('scrapes of an earlier boot: placed if that boot met the edge or its clock is plausible, else set aside', async () => {
    const r = rig({ clockOptions: { now: 60_000, bootId: 'a'.repeat(32) }, skewMs: NOW - 60_000 });
    r.pusher.start();
    await scrapes(r, 2);
    r.edge.always = 'lose_request';
    await scrapes(r, 2, 3); // Known boot, waiting in the log.
    await r.pusher.stop(0);
    const edgeNow = NOW + 60_000;
    const unknown = { bootId: 'b'.repeat(32), table };
    r.log.append(scrape(r.clock, { ...unknown, wallMs: 60_000, bootMs: 5, value: 10 }));
    r.log.append(scrape(r.clock, { ...unknown, wallMs: 61_000, bootMs: 6, value: 11 }));
    r.log.append(scrape(r.clock, { ...unknown, wallMs: edgeNow + 1_000, bootMs: 7, value: 12 }));
    r.log.append(scrape(r.clock, { ...unknown, wallMs: edgeNow + 86_400_000, bootMs: 8, value: 13 }));
    const clock = new ManualClock({ now: 5_000, boot: 1_000, bootId: 'c'.repeat(32) });
    const edgeStart = edgeNow + 60_000;
    r.edge.always = 'ok';
    const edge = rig({ clock, skewMs: edgeStart - 5_000 }).edge;
    for (const [hash, rows] of r.edge.tables) edge.tables.set(hash, rows);
    const again = rig({ clock, edge, log: r.log, store: r.store });
    again.pusher.start();
    await clock.advance(10_000);
    again.log.append(scrape(clock, { table, value: 20 }));
    await again.pusher.stop(1_000);
    const early = values(r).length;
    expect(values(again)).toEqual([...upTo(4).slice(early), 12, 20]);
    expect(again.stored('x').at(-1)?.ms).toBe(edgeStart + 10_000);
    expect(again.stored('x').map(({ ms }) => ms)).toEqual([
      ...[0, 15_000, 30_000, 45_000].slice(early).map((ms) => NOW + ms),
      edgeNow + 1_000,
      edgeStart + 10_000,
    ]);
    expect(r.log.asideRanges.map(({ from, to }) => to - from + 1)).toEqual([2, 1]);
    expect(edge.gaps.map(({ reason }) => reason)).toEqual(['set_aside', 'set_aside']);
    expect(again.metric('agent_lite_push_set_aside_records_total{reason="unplaceable"}')).toBe(3);
  });

  it('scrapes at or behind what was sent for their target are dropped and counted; other targets are not', async () => {
    const r = rig();
    r.pusher.start();
    await scrapes(r, 2);
    await r.clock.advance(2 * MINUTE);
    // Within what is believed of a wall clock.
    r.clock.stepWall(-50_000);
    const wallMs = r.stored('x').at(-1)?.ms ?? 0;
    r.log.append(scrape(r.clock, { table, value: 3, wallMs, bootMs: r.clock.boot() - 120_000 }));
    r.log.append(scrape(r.clock, { table, value: 3, wallMs, bootMs: r.clock.boot() - 120_000, target: target('b') }));
    await r.clock.advance(2 * MINUTE);
    expect(values(r)).toEqual([1, 2]);
    expect(r.stored('x', 'b').map(numberOf)).toEqual([3]);
    expect(r.metric('agent_lite_push_scrapes_dropped_total')).toBe(1);
    expect(r.edge.disorder).toBe(0);
    await r.pusher.stop(0);
  });

  it('a store that cannot be written is said, and changes nothing else', async () => {
    const r = rig({ skewMs: 3_600_000 });
    r.store.save = () => Promise.reject(new Error('EROFS'));
    await scrapes(r, 2);
    r.pusher.start();
    await r.clock.advance(10_000);
    expect(values(r)).toEqual([1, 2]);
    expect(r.logger.text('warn')).toContain('EROFS');
    await r.pusher.stop(0);
  });
});
