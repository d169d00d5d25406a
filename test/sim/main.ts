import { formatDuration, parseDuration } from '../../contract/yaml/units.ts';
import { readFlags, runCommand, UsageError } from '../../infra/local/arguments.ts';
import { defaultSim, type SimOptions } from './options.ts';
import { type SimMoment, type SimResult, simulateReconnect } from './reconnect.ts';

const USAGE = `npm run sim -- reconnect [--devices 10000] [--outage 30m] [--series 100] [--push-interval 60s] [--scrape-interval 15s]
    [--shards 4] [--lanes 4] [--window 2h] [--receiver-round-trip 200ms] [--seed 1] [--json]

Virtual devices come back after an outage, on a virtual clock: the shards' real code and the devices' real waits, a platform
that is only times (test/sim/options.ts). --window 0s: a receiver without an out-of-order window, so one shard and one lane.`;

await runCommand(USAGE, async () => {
  const [name, ...args] = process.argv.slice(2);
  if (name !== 'reconnect') throw new UsageError(`no simulation ${JSON.stringify(name ?? '')}; there is: reconnect`);
  const flags = readFlags(
    {
      devices: { type: 'string' },
      series: { type: 'string' },
      outage: { type: 'string' },
      'push-interval': { type: 'string' },
      'scrape-interval': { type: 'string' },
      shards: { type: 'string' },
      lanes: { type: 'string' },
      window: { type: 'string' },
      'receiver-round-trip': { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean' },
    },
    args,
  );
  const count = (flag: 'devices' | 'series' | 'shards' | 'lanes' | 'seed'): number => {
    const text = flags[flag];
    if (text === undefined) return defaultSim[flag];
    if (!/^[1-9]\d{0,6}$/.test(text)) throw new UsageError(`--${flag}: expected a whole number from 1 on, got "${text}"`);
    return Number(text);
  };
  const duration = (flag: 'outage' | 'push-interval' | 'scrape-interval' | 'window' | 'receiver-round-trip', unset: number): number => {
    const text = flags[flag];
    const ms = text === undefined ? unset : parseDuration(text);
    if (ms === undefined) throw new UsageError(`--${flag}: expected a duration such as 30m, got "${text}"`);
    return ms;
  };
  const options: SimOptions = {
    ...defaultSim,
    devices: count('devices'),
    series: count('series'),
    shards: count('shards'),
    lanes: count('lanes'),
    seed: count('seed'),
    outageMs: duration('outage', defaultSim.outageMs),
    pushMs: duration('push-interval', defaultSim.pushMs),
    scrapeMs: duration('scrape-interval', defaultSim.scrapeMs),
    windowMs: duration('window', defaultSim.windowMs),
    receiverMs: duration('receiver-round-trip', defaultSim.receiverMs),
  };
  if (flags.json) {
    console.log(JSON.stringify(await simulateReconnect(options)));
    return;
  }
  console.log(' after  on devices     at edge  in flight  waiting  refused  delivered/s   stalest    median');
  let before = 0;
  let beforeMs = 0;
  const result = await simulateReconnect(options, (moment) => {
    const rate = beforeMs === 0 ? 0 : ((moment.deliveredSamples - before) / (moment.atMs - beforeMs)) * 1000;
    before = moment.deliveredSamples;
    beforeMs = moment.atMs;
    console.log(line(moment, rate));
  });
  console.log(summary(result));
});

function line(moment: SimMoment, rate: number): string {
  const { atMs, onDevices, atEdge, inFlight, waiting, refusals, stalestMs, medianMs } = moment;
  const columns: readonly (readonly [string, number])[] = [
    [rounded(atMs), 6],
    [million(onDevices), 12],
    [million(atEdge), 12],
    [String(inFlight), 11],
    [String(waiting), 9],
    [String(refusals), 9],
    [`${Math.round(rate / 1000)} k`, 13],
    [rounded(stalestMs), 10],
    [rounded(medianMs), 10],
  ];
  return columns.map(([text, width]) => text.padStart(width)).join('');
}

function summary({ options, refusals, allHeardMs, devicesDoneMs, recoveredMs, freshWaitMs, ...counts }: SimResult): string {
  const { pushes, commits, acknowledged, delivered, disorder, operations } = counts;
  const { puts, gets, rowsWritten, rowsRead, alarms, posts } = operations;
  const reasons = Object.entries(refusals).map(([reason, count]) => `${count} ${reason}`);
  const after = (ms: number | undefined): string => (ms === undefined ? `not within ${formatDuration(options.limitMs)}` : rounded(ms));
  return [
    `every device acknowledged once   ${after(allHeardMs)}`,
    `no device with a backlog         ${after(devicesDoneMs)}`,
    `all delivered, only live data    ${after(recoveredMs)}`,
    `longest wait of fresh data       ${rounded(freshWaitMs)} (scraped after the outage, until delivered)`,
    `refusals                         ${reasons.length === 0 ? 'none' : reasons.join(', ')}`,
    `pushes ${pushes}, commits ${commits}; samples: acknowledged ${acknowledged}, delivered ${delivered}, out of order ${disorder}`,
    `operations: ${puts} puts, ${gets} gets, ${rowsWritten} rows written, ${rowsRead} rows read, ${alarms} alarms set, ${posts} POSTs`,
  ].join('\n');
}

function million(samples: number): string {
  return `${(samples / 1e6).toFixed(2)} M`;
}

function rounded(ms: number): string {
  return formatDuration(Math.round(ms / 1000) * 1000);
}
