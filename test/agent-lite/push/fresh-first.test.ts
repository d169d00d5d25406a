import { describe, expect, it } from 'vitest';
import type { UndecodedPush } from '../../../contract/decode-push.ts';
import { MAX_STREAMS } from '../../../contract/push.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { NOW, numberOf, type Rig, type RigOptions, rig } from './rig.ts';
import { scrape, tableOf } from './scrapes.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const table = await tableOf('x', 'y');

/** A scrape every 15 s; values count up. */
async function live(r: Rig, minutes: number, everyMs = 15_000): Promise<void> {
  for (let i = 0; i < (minutes * MINUTE) / everyMs; i++) {
    r.log.append(scrape(r.clock, { table, value: r.log.records.length + 1 }));
    await r.clock.advance(everyMs);
  }
}

/** A device that was online for two minutes, and then offline. 10 scrapes fit a push. */
async function afterOutage(minutes: number, windowMs: number, options: RigOptions = {}): Promise<Rig> {
  const r = rig({ maxCellsPerPush: 70, ...options });
  r.edge.freshWindowMs = windowMs;
  r.pusher.start();
  await live(r, 2);
  r.edge.always = 'lose_request';
  await live(r, minutes);
  r.edge.always = 'ok';
  return r;
}

const values = (r: Rig): number[] => r.stored('x').map(numberOf);
const sorted = (r: Rig): number[] => values(r).sort((a, b) => a - b);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const full = ({ edge }: Rig): UndecodedPush[] => edge.pushes.filter(({ targets }) => targets.length > 0);
const streamsSent = (r: Rig): number[] => [...new Set(full(r).map(({ stream }) => stream))];
/** Age of the newest sample that the edge has, ms. */
const newestAge = (r: Rig): number => r.clock.now() - Math.max(...r.stored('x').map(({ ms }) => ms));
const expectAll = (r: Rig): void => {
  expect(sorted(r)).toEqual(upTo(r.log.records.length));
  expect(r.edge.disorder).toBe(0);
};

describe('after an outage', () => {
  it('the newest samples come soon and go on coming, the backlog in between, each sample once', async () => {
    // Requests take their time, so that the backlog takes a while.
    const r = await afterOutage(120, 4 * HOUR);
    const before = r.log.records.length;
    const { edge, clock } = r;
    const request = edge.request.bind(edge);
    edge.request = async (given) => {
      await clock.sleep(4_000);
      return request(given);
    };
    // The last try failed, so the next may be minutes away.
    const age: number[] = [];
    for (let minute = 0; minute < 12; minute++) {
      await live(r, 1);
      if (r.metric('agent_lite_push_jumps_total') > 0 && r.pusher.status().behindRecords === 0) break;
      age.push(newestAge(r));
    }
    const reached = age.findIndex((ms) => ms < MINUTE);
    expect(reached).toBeLessThan(2);
    expect(age.length).toBeGreaterThan(4);
    // A push interval, a backlog push that is under way, and a scrape interval.
    for (const ms of age.slice(reached)) expect(ms).toBeLessThan(MINUTE + 30_000);
    expect(streamsSent(r)).toEqual([0, 1]);
    expect(r.metric('agent_lite_push_jumps_total')).toBe(1);
    await live(r, 10);
    expect(before).toBe(488);
    const stopped = r.pusher.stop(60_000);
    await clock.advance(60_000);
    await stopped;
    expectAll(r);
  });

  it('shows how much is left behind', async () => {
    const r = await afterOutage(30, 4 * HOUR);
    for (let i = 0; i < 600 && r.log.streams('edge').length < 2; i++) {
      if (i % 15 === 0) r.log.append(scrape(r.clock, { table, value: r.log.records.length + 1 }));
      await r.clock.advance(1_000);
    }
    const status = r.pusher.status();
    expect(status.state).toBe('catching_up');
    expect(status.behindRecords).toBeGreaterThan(50);
    expect(status.backlogRecords).toBeGreaterThanOrEqual(status.behindRecords);
    expect(r.metric('agent_lite_push_behind_records')).toBe(status.behindRecords);
    expect(r.logger.lines.map(({ message }) => message)).toContain('Fresh samples go first; the backlog is sent in between');
    await live(r, 4);
    expect(r.pusher.status()).toMatchObject({ state: 'ok', behindRecords: 0 });
    expect(r.log.streams('edge')).toEqual([{ stream: 1, at: expect.anything(), end: undefined }]);
    await r.pusher.stop(10_000);
    expectAll(r);
  });

  const inOrder: readonly [name: string, minutes: number, windowMs: number][] = [
    ['the receiver has no window', 120, 0],
    ['the outage was short', 1.5, 4 * HOUR],
    ['the window is too short to send anything behind', 30, 6 * MINUTE],
  ];
  it.each(inOrder)('all goes in order where %s', async (_name, minutes, windowMs) => {
    const r = await afterOutage(minutes, windowMs);
    await live(r, 10);
    await r.pusher.stop(10_000);
    expect(streamsSent(r)).toEqual([0]);
    expect(values(r)).toEqual(upTo(r.log.records.length));
  });

  it('all goes in order until what is left is young enough for the window and the time it takes', async () => {
    const r = await afterOutage(120, 2 * HOUR);
    const move = r.log.moveStreams.bind(r.log);
    const ages: number[] = [];
    r.log.moveStreams = (receiver, streams) => {
      const oldest = r.log.records.find(({ position }) => position > (streams[0]?.at.position ?? 0));
      if (streams.length > r.log.streams(receiver).length) ages.push(r.clock.now() - (oldest?.wallMs ?? 0));
      return move(receiver, streams);
    };
    await live(r, 10);
    await r.pusher.stop(10_000);
    // 1.1 times as old, and five minutes, fit two hours; and it did not wait longer than a push needs.
    expect(ages).toHaveLength(1);
    expect(ages[0]).toBeLessThanOrEqual((2 * HOUR - 5 * MINUTE) / 1.1);
    expect(ages[0]).toBeGreaterThan((2 * HOUR - 5 * MINUTE) / 1.1 - 4 * MINUTE);
    expectAll(r);
  });

  it('a device whose clock says 1970 does the same', async () => {
    const clock = new ManualClock({ now: 0 });
    const r = await afterOutage(120, 4 * HOUR, { clock, skewMs: NOW });
    await live(r, 8);
    await r.pusher.stop(10_000);
    expect(r.metric('agent_lite_push_jumps_total')).toBe(1);
    expectAll(r);
  });

  it('at its stop the fresh samples are sent first', async () => {
    const r = await afterOutage(120, 4 * HOUR);
    for (let i = 0; i < 600 && r.log.streams('edge').length < 2; i++) await r.clock.advance(1_000);
    r.log.append(scrape(r.clock, { table, value: 10_000 }));
    r.edge.pushes.length = 0;
    await r.pusher.stop(60_000);
    expect(full(r)[0]?.stream).toBe(1);
    expect(numberOf(r.stored('x').find(({ bits }) => numberOf({ ms: 0, bits }) === 10_000))).toBe(10_000);
  });
});

describe('outages in a row', () => {
  it('leave one more stream behind each, but never more than the edge remembers, and lose nothing', async () => {
    const r = await afterOutage(40, 400 * HOUR);
    let most = 0;
    for (let outage = 0; outage < 8; outage++) {
      // Long enough for the first push of what is new and a jump, not for the backlog.
      for (let i = 0; i < 400; i++) {
        await r.clock.advance(500);
        const streams = r.log.streams('edge');
        most = Math.max(most, streams.length);
        if (streams.length >= Math.min(MAX_STREAMS, outage + 2)) break;
      }
      r.edge.always = 'lose_request';
      await live(r, 20);
      r.edge.always = 'ok';
    }
    await live(r, 30);
    await r.pusher.stop(10_000);
    expect(most).toBeGreaterThan(2);
    expect(most).toBeLessThanOrEqual(MAX_STREAMS);
    expect(r.log.streams('edge')).toHaveLength(1);
    expectAll(r);
  });
});

describe('each stream for itself', () => {
  it('a record that the edge refuses in the backlog is set aside, and fresh samples go on', async () => {
    const r = await afterOutage(120, 4 * HOUR);
    r.edge.refuse = (_labels, sample) => numberOf(sample) === 100;
    await live(r, 12);
    await r.pusher.stop(10_000);
    expect(r.log.asideRanges).toMatchObject([{ from: 100, to: 100 }]);
    expect(sorted(r)).toEqual(upTo(r.log.records.length).filter((value) => value !== 100));
    expect(r.edge.disorder).toBe(0);
  });

  it('a gap up to the end of the backlog is told, and the stream is finished', async () => {
    const r = rig({ maxCellsPerPush: 70 });
    r.edge.freshWindowMs = 4 * HOUR;
    r.pusher.start();
    await live(r, 2);
    r.edge.always = 'lose_request';
    await live(r, 30);
    r.log.damage(5);
    r.edge.always = 'ok';
    await live(r, 12);
    await r.pusher.stop(10_000);
    expect(r.edge.gaps).toMatchObject([{ reason: 'damaged' }]);
    expect(r.log.streams('edge')).toMatchObject([{ stream: 1 }]);
    expect(sorted(r)).toEqual(upTo(r.log.records.length));
  });

  it('an edge that has forgotten everything gets what is unsent of each, and the log keeps its name', async () => {
    const r = await afterOutage(120, 4 * HOUR);
    for (let i = 0; i < 600 && r.log.streams('edge').length < 2; i++) await r.clock.advance(1_000);
    r.edge.logs.clear();
    await live(r, 12);
    await r.pusher.stop(10_000);
    expect(r.metric('agent_lite_push_forks_total')).toBe(0);
    expectAll(r);
  });

  it('where the edge has other records under one of them, all of the log takes a new name', async () => {
    const r = await afterOutage(120, 4 * HOUR);
    for (let i = 0; i < 600 && r.log.streams('edge').length < 2; i++) await r.clock.advance(1_000);
    const name = `${r.log.logId}/0`;
    expect(r.edge.logs.has(name)).toBe(true);
    r.edge.logs.set(name, [{ position: 77_777, chain: 'ffffffffffffffff' }]);
    await live(r, 12);
    await r.pusher.stop(10_000);
    expect(r.metric('agent_lite_push_forks_total')).toBe(1);
    expectAll(r);
  });
});
