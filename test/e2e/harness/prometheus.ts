import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteReader, ByteWriter } from '../../../contract/binary.ts';
import { decodeWriteRequest, type WrittenSeries } from '../../../contract/decode-remote-write.ts';
import { snappyCompress, snappyUncompress } from '../../../contract/snappy.ts';
import type { Cleanup } from './cleanup.ts';
import { freePort, Program } from './program.ts';
import { waitFor } from './wait.ts';

export interface InstantResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [seconds: number, value: string];
}

/** A real Prometheus that only receives: it scrapes nothing. */
export interface ReceivingPrometheus {
  readonly url: string;
  readonly writeUrl: string;
  readonly program: Program;
  /** The `data` of an instant query. */
  query(expression: string): Promise<readonly InstantResult[]>;
  /** The values of a range selector such as `a[1m]`, as text, by series. */
  rawValues(selector: string): Promise<readonly (readonly string[])[]>;
  /**
   * Raw samples by remote read, all 64 bits, staleness markers included (the query API hides those).
   * @param matchers label -> regular expression that the whole value matches
   */
  read(matchers: Readonly<Record<string, string>>, fromMs: number, toMs: number): Promise<readonly WrittenSeries[]>;
}

export async function startPrometheus(cleanup: Cleanup, path: string): Promise<ReceivingPrometheus> {
  const folder = await cleanup.folder('prometheus');
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, 'global:\n  scrape_interval: 1m\n');
  const port = await freePort();
  const program = await Program.start('prometheus', path, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
    '--log.level=warn',
  ]);
  cleanup.add(() => program.stop());
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    'prometheus to be ready',
    async () => (await fetch(`${url}/-/ready`)).ok,
    30_000,
    () => program.describe(),
  );
  const query = async <T>(expression: string): Promise<readonly T[]> => {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const body = (await answer.json()) as { status: string; error?: string; data: { result: readonly T[] } };
    if (body.status !== 'success') throw new Error(`query ${expression}: ${body.error}`);
    return body.data.result;
  };
  return {
    url,
    writeUrl: `${url}/api/v1/write`,
    program,
    query: (expression) => query<InstantResult>(expression),
    async rawValues(selector) {
      const series = await query<{ readonly values: readonly (readonly [number, string])[] }>(selector);
      return series.map(({ values }) => values.map(([, value]) => value));
    },
    async read(matchers, fromMs, toMs) {
      const answer = await fetch(`${url}/api/v1/read`, {
        method: 'POST',
        headers: {
          'content-encoding': 'snappy',
          'content-type': 'application/x-protobuf',
          'x-prometheus-remote-read-version': '0.1.0',
        },
        body: snappyCompress(encodeReadRequest(matchers, fromMs, toMs)).slice(),
      });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (!answer.ok) throw new Error(`remote read: ${answer.status} ${new TextDecoder().decode(bytes)}`);
      return decodeReadResponse(snappyUncompress(bytes, 256 * 1024 * 1024));
    },
  };
}

/** `ReadRequest { Query queries = 1 }`, `Query { start = 1; end = 2; LabelMatcher matchers = 3 }`, matcher type 2: regex. */
function encodeReadRequest(matchers: Readonly<Record<string, string>>, fromMs: number, toMs: number): Uint8Array {
  const query = new ByteWriter();
  query.u8(0x08);
  query.varint(fromMs);
  query.u8(0x10);
  query.varint(toMs);
  for (const [name, value] of Object.entries(matchers)) {
    const matcher = new ByteWriter();
    matcher.u8(0x08);
    matcher.u8(2);
    matcher.u8(0x12);
    matcher.string(name);
    matcher.u8(0x1a);
    matcher.string(value);
    query.u8(0x1a);
    query.block(matcher.bytes());
  }
  const request = new ByteWriter();
  request.u8(0x0a);
  request.block(query.bytes());
  return request.bytes();
}

/** `ReadResponse { QueryResult results = 1 }`, `QueryResult { TimeSeries timeseries = 1 }`. */
function decodeReadResponse(bytes: Uint8Array): readonly WrittenSeries[] {
  const reader = new ByteReader(bytes);
  const series: WrittenSeries[] = [];
  while (reader.remaining > 0) {
    const tag = reader.u8();
    if (tag !== 0x0a) throw new Error(`remote read: unexpected tag ${tag}`);
    series.push(...decodeWriteRequest(reader.block()));
  }
  return series;
}
