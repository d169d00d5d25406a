import { spawnSync } from 'node:child_process';
import type { LogEntry, LoggedScrape } from '../../agent-lite/model.ts';
import { deflate } from '../../agent-lite/platform/bytes.ts';
import { collectBatch } from '../../agent-lite/push/batch.ts';
import { transposed } from '../../agent-lite/push/target-batches.ts';
import { decodePush } from '../../contract/decode-push.ts';
import { likeRows } from '../../contract/like-rows.ts';
import { encodePush, NO_CHAIN } from '../../contract/push.ts';
import { encodeTableForm } from '../../contract/table-form.ts';
import { cpuMicroseconds, type Machine, machine, median } from './measure.ts';
import { loggedScrapes, RECORDED, type Recorded, recordedScrapes } from './recorded.ts';
import { remoteWrite1Bytes, remoteWrite2Bytes } from './remote-write-peers.ts';

/** `npm run bench -- wire`: bytes on the wire per sample, of real scrapes. */

const WINDOWS = [1, 4, 20] as const;
/** Scrapes at the start that are left out: the set of series settles. */
const SKIPPED = 2;
const ROUNDS = 9;

export interface WindowResult {
  readonly scrapes: number;
  readonly batches: number;
  readonly samplesPerBatch: number;
  /** Bytes per sample: bodies of requests, without HTTP. */
  readonly known: number;
  /** With the upload of the series table. */
  readonly unknown: number;
  readonly remoteWrite1: number;
  readonly remoteWrite2: number;
  /** Processor time per sample, median, ns: columns and protobuf and deflate; inflating not included in decoding. */
  readonly encodeNs: number;
  readonly decodeNs: number;
}

export interface SourceResult {
  readonly source: Recorded | 'both in one push';
  readonly series: number;
  /** Of the series table as it is uploaded, deflated. */
  readonly tableBytes: number;
  /** The whole recording as text, labels included, in one stream: bytes per sample. Not there without the program. */
  readonly xz: number | undefined;
  readonly windows: readonly WindowResult[];
}

export interface WireResult {
  readonly benchmark: 'wire';
  readonly machine: Machine;
  readonly method: string;
  readonly sources: readonly SourceResult[];
}

const METHOD =
  'Real scrapes, recorded every 15 s (test/fixtures/scrapes), scraped, batched and encoded by the code of the agent; bodies of requests, ' +
  'without HTTP, with all that a push says of its log. Remote write: a TimeSeries for each sample, 2,000 in a request, snappy; 2.0 without ' +
  'metadata. xz -9e: the text of all scrapes in one stream, a floor that no sender of single batches can reach.';

export async function benchWire(): Promise<WireResult> {
  const single = await Promise.all(RECORDED.map(async (name) => [name, (await loggedScrapes(name)).slice(SKIPPED)] as const));
  const sources: SourceResult[] = [];
  for (const [name, scrapes] of single) sources.push(await measure(name, [scrapes], xz([name])));
  sources.push(
    await measure(
      'both in one push',
      single.map(([, scrapes]) => scrapes),
      xz(RECORDED),
    ),
  );
  return { benchmark: 'wire', machine: machine(), method: METHOD, sources };
}

async function measure(
  source: SourceResult['source'],
  targets: readonly (readonly LoggedScrape[])[],
  xzBytes: number | undefined,
): Promise<SourceResult> {
  const tables = new Map(targets.map((scrapes) => [scrapes.at(-1)?.table?.hash, scrapes.at(-1)?.table]));
  let tableBytes = 0;
  for (const table of tables.values()) if (table !== undefined) tableBytes += (await deflate(encodeTableForm(table.rows))).length;
  const count = Math.min(...targets.map((scrapes) => scrapes.length));
  const windows: WindowResult[] = [];
  for (const scrapes of WINDOWS) windows.push(await measureWindow(targets, scrapes, count, tableBytes));
  const total = targets.reduce((sum, all) => sum + samples(all), 0);
  const series = targets.reduce((sum, all) => sum + (all.at(-1)?.table?.rows.length ?? 0) + (all.at(-1)?.report.rows ?? 0), 0);
  return { source, series, tableBytes, xz: xzBytes === undefined ? undefined : xzBytes / total, windows };
}

const samples = (scrapes: readonly LoggedScrape[]): number =>
  scrapes.reduce((sum, { cells, report }) => sum + report.rows + (cells?.states.filter((state) => state !== 0).length ?? 0), 0);

async function measureWindow(
  targets: readonly (readonly LoggedScrape[])[],
  scrapes: number,
  count: number,
  tableBytes: number,
): Promise<WindowResult> {
  let bytes = 0;
  let rw1 = 0;
  let rw2 = 0;
  let total = 0;
  let batches = 0;
  const encode: number[] = [];
  const decode: number[] = [];
  for (let from = 0; from + scrapes <= count; from += scrapes) {
    const part = targets.flatMap((all) => all.slice(from, from + scrapes));
    const { message, push, of } = await pushOf(part);
    const inBatch = samples(part);
    bytes += Math.min(message.length, (await deflate(message)).length);
    rw1 += remoteWrite1Bytes(part);
    rw2 += remoteWrite2Bytes(part);
    total += inBatch;
    batches++;
    if (batches > ROUNDS) continue;
    const repeats = Math.ceil(20_000 / inBatch);
    encode.push((await cpuMicroseconds(() => repeat(repeats, push))) / repeats / inBatch);
    const read = (): void => {
      for (const target of decodePush(message).targets) {
        const rows = of(target.table);
        target.decodeCells(rows.length, likeRows(rows));
      }
    };
    decode.push((await cpuMicroseconds(() => repeat(repeats, read))) / repeats / inBatch);
  }
  return {
    ...{ scrapes, batches, samplesPerBatch: Math.round(total / batches) },
    ...{ known: bytes / total, unknown: bytes / total + (tableBytes * batches) / total },
    ...{ remoteWrite1: rw1 / total, remoteWrite2: rw2 / total },
    ...{ encodeNs: median(encode) * 1000, decodeNs: median(decode) * 1000 },
  };
}

function repeat(times: number, work: () => void): void {
  for (let i = 0; i < times; i++) work();
}

/** A push as the agent makes it. */
async function pushOf(scrapes: readonly LoggedScrape[]) {
  async function* entries(): AsyncGenerator<LogEntry> {
    for (const scrape of scrapes) yield { kind: 'scrape', scrape };
  }
  const batch = await collectBatch(entries(), 0, {
    maxCells: 1_000_000,
    maxRecords: 20_000,
    end: undefined,
    place: ({ wallMs }) => ({ ok: true, ms: wallMs }),
    lastTime: () => undefined,
    metadataDue: () => undefined,
    isAside: () => false,
  });
  if (batch === undefined) throw new Error('no scrapes');
  const { targets } = batch;
  const newest = scrapes.at(-1) as LoggedScrape;
  const push = () =>
    encodePush({
      ...{ logId: '5f'.repeat(16), stream: 0, gaps: [], version: '0.1.0', externalLabels: [] },
      base: { position: 4711, chain: NO_CHAIN.replaceAll('0', 'a') },
      to: { position: 4711 + scrapes.length, chain: newest.chain },
      clock: { wallMs: newest.wallMs + 700, bootMs: newest.bootMs, offsetMs: 0 },
      backlog: { records: scrapes.length, bytes: 1200 * scrapes.length, oldestMs: scrapes[0]?.wallMs ?? 0 },
      targets: transposed(targets),
    });
  return { message: push(), push, of: (hash: string | undefined) => batch.tables.get(hash ?? '')?.rows ?? [] };
}

function xz(names: readonly Recorded[]): number | undefined {
  const text = Buffer.concat(
    names.flatMap((name) =>
      recordedScrapes(name)
        .slice(SKIPPED)
        .map(({ body }) => Buffer.from(body)),
    ),
  );
  const done = spawnSync('xz', ['-9e', '-c'], { input: text, maxBuffer: 64 * 1024 * 1024 });
  return done.status === 0 ? done.stdout.length : undefined;
}

export function describeWire(result: WireResult): string {
  const { cpu, cores, node, platform } = result.machine;
  const lines = ['wire', `  machine      ${cpu}, ${cores} cores, ${platform}, Node ${node}`, `  method       ${result.method}`];
  for (const { source, series, tableBytes, xz: floor, windows } of result.sources) {
    lines.push(`  ${source}: ${series} series, table ${tableBytes} bytes, xz ${floor?.toFixed(2) ?? 'not installed'} bytes per sample`);
    for (const window of windows) {
      const { scrapes, known, unknown, remoteWrite1, remoteWrite2, encodeNs, decodeNs, batches } = window;
      lines.push(
        `    ${String(scrapes).padStart(2)} scrapes  ${known.toFixed(3)} bytes per sample, ${unknown.toFixed(2)} with the table; remote write 1.0 ` +
          `${remoteWrite1.toFixed(1)} (${(remoteWrite1 / known).toFixed(0)} times), 2.0 ${remoteWrite2.toFixed(1)}; ` +
          `encoding ${encodeNs.toFixed(0)} ns, decoding ${decodeNs.toFixed(0)} ns a sample; ${batches} batches`,
      );
    }
  }
  return lines.join('\n');
}
