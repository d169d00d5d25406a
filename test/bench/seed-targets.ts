import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

/**
 * Targets of the benchmarks, in a process of their own so that their work is nobody's: `/1`, `/2`, ... are targets. Of their series
 * 70 % never change, 20 % are counters of whole numbers, 10 % are floats with six decimals. `/count` tells the scrapes answered.
 */
const [, script, seriesText] = process.argv;
if (script !== undefined && import.meta.url === pathToFileURL(script).href) serve(Number(seriesText));

const LABELS = ['eth0', 'eth1', 'wlan0', 'sda', 'sdb', 'cpu0', 'cpu1', 'cpu2', 'cpu3', 'root'];

/** One scrape of one target: the same series each time, values by `target` and `scrape`. */
export function expose(series: number, target: number, scrape: number): string {
  const lines: string[] = [];
  const random = randomFrom(target * 100_003 + scrape);
  for (let i = 0; i < series; i++) {
    const family = Math.floor(i / LABELS.length);
    if (i % LABELS.length === 0) {
      lines.push(`# HELP device_metric_${family}_total What metric ${family} of the device is about.`);
      lines.push(`# TYPE device_metric_${family}_total ${kindOf(i) === 'float' ? 'gauge' : 'counter'}`);
    }
    lines.push(`device_metric_${family}_total{part="${LABELS[i % LABELS.length]}",mode="normal"} ${sampleOf(i, target, scrape, random)}`);
  }
  lines.push('');
  return lines.join('\n');
}

/** By family, as in the world: all parts of a device count alike. */
function kindOf(i: number): 'constant' | 'counter' | 'float' {
  const family = Math.floor(i / LABELS.length) % 10;
  return family < 7 ? 'constant' : family < 9 ? 'counter' : 'float';
}

function sampleOf(i: number, target: number, scrape: number, random: () => number): string {
  const kind = kindOf(i);
  if (kind === 'constant') return String((i * 7919 + target) % 100_000);
  // A rate of its own, give or take a little.
  if (kind === 'counter') return String(i * 1000 + target + scrape * ((i % 97) + 1) * 10 + Math.floor(random() * 10));
  return (random() * 100).toFixed(6);
}

/** A small generator (mulberry32): the same values in every run. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function serve(series: number): void {
  const scrapes = new Map<number, number>();
  let answered = 0;
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    if (request.url === '/count') {
      response.end(String(answered));
      return;
    }
    const target = Number(request.url?.slice(1));
    const scrape = (scrapes.get(target) ?? 0) + 1;
    scrapes.set(target, scrape);
    answered++;
    response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    response.end(expose(series, target, scrape));
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.stdout.write(`listening on ${typeof address === 'object' && address !== null ? address.port : ''}\n`);
  });
}
