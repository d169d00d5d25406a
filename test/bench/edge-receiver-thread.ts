import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { ByteReader } from '../../contract/binary.ts';
import { snappyUncompress } from '../../contract/snappy.ts';

/** Samples taken, and compressed bytes. */
const taken = workerData as Float64Array;
const MAX_BYTES = 64 * 1024 * 1024;
const SERIES = 0x0a;
const SAMPLE = 0x12;

/** `TimeSeries { Label labels = 1; Sample samples = 2; ... }`: only walked over. */
function countSamples(request: Uint8Array): number {
  let samples = 0;
  for (const reader = new ByteReader(request); reader.remaining > 0; ) {
    const tag = reader.varint();
    const series = new ByteReader(reader.block());
    if (tag !== SERIES) continue;
    while (series.remaining > 0) {
      if (series.varint() === SAMPLE) samples++;
      series.block();
    }
  }
  return samples;
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => {
    try {
      const body = Buffer.concat(chunks);
      taken[0] = (taken[0] as number) + countSamples(snappyUncompress(body, MAX_BYTES));
      taken[1] = (taken[1] as number) + body.length;
      response.writeHead(204).end();
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  });
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
