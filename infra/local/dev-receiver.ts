import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { FormatError } from '../../contract/binary.ts';
import { decodeRemoteWrite } from '../../contract/decode-remote-write.ts';
import { RecentSeries, type Totals } from './recent-series.ts';

/**
 * The development receiver: takes remote write 1.0 as Thanos Receive does, keeps the last minutes in memory and shows them
 * on a page. It exists so that `npm start` needs nothing installed. It is no part of the product: it keeps nothing on disk
 * and does not refuse what a real receiver refuses (samples out of order are counted and shown).
 */
export interface DevReceiver {
  /** The page. */
  readonly url: string;
  /** Where remote write goes. */
  readonly writeUrl: string;
  totals(): Totals;
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_DECODED_BYTES = 64 * 1024 * 1024;
const MAX_LISTED = 300;
const FORGET_INTERVAL_MS = 60_000;

export async function startDevReceiver(port: number): Promise<DevReceiver> {
  const page = await readFile(join(import.meta.dirname, 'dev-receiver.html'), 'utf8');
  const recent = new RecentSeries();
  const server = createServer((request, response) => {
    handle(request, response, recent, page).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else answer(response, error instanceof FormatError ? 400 : 500, 'text/plain', `${error instanceof Error ? error.message : error}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  const forget = setInterval(() => recent.forget(Date.now()), FORGET_INTERVAL_MS);
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`;
  return {
    url: `${url}/`,
    writeUrl: `${url}/api/v1/receive`,
    totals: () => recent.totals(),
    stop() {
      clearInterval(forget);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, recent: RecentSeries, page: string): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://receiver');
  switch (`${request.method} ${url.pathname}`) {
    case 'POST /api/v1/receive':
    case 'POST /api/v1/write':
      recent.add(decodeRemoteWrite(await readBody(request), MAX_DECODED_BYTES));
      response.writeHead(200).end();
      return;
    case 'GET /':
      response.setHeader(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
      );
      answer(response, 200, 'text/html; charset=utf-8', page);
      return;
    case 'GET /api/series':
      answerJson(response, listSeries(recent, url.searchParams));
      return;
    case 'GET /api/points':
      answerJson(response, { points: recent.points(Number(url.searchParams.get('id'))).map(jsonPoint) });
      return;
    case 'GET /-/healthy':
    case 'GET /-/ready':
      answer(response, 200, 'text/plain', 'OK\n');
      return;
    default:
      answer(
        response,
        404,
        'text/plain',
        `${request.method} ${url.pathname}: not found. The page is at /, remote write at /api/v1/receive.\n`,
      );
  }
}

function listSeries(recent: RecentSeries, parameters: URLSearchParams) {
  const limit = Math.min(Number(parameters.get('limit')) || 100, MAX_LISTED);
  const found = recent.find(parameters.get('search') ?? '', limit);
  return {
    totals: recent.totals(),
    matching: found.total,
    series: found.series.map((series) => ({
      id: series.id,
      labels: series.labels,
      text: series.text,
      points: series.points.length,
      last: series.points.slice(-1).map(jsonPoint)[0],
    })),
  };
}

/** JSON has no NaN and no infinities: values are text, as in Prometheus' query API; null is a staleness marker. */
const jsonPoint = (point: { readonly time: number; readonly value: number | undefined }) => [
  point.time,
  point.value === undefined ? null : String(point.value),
];

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new FormatError(`body: expected at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answerJson(response: ServerResponse, value: unknown): void {
  answer(response, 200, 'application/json', JSON.stringify(value));
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
