import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { snappyUncompress } from '../../contract/snappy.ts';
import { sleep } from '../e2e/harness/wait.ts';
import { SampleCounter } from './count.ts';
import type { FromReceiver, ReceiverThreadData, ToReceiver } from './receiver.ts';

/** The receiver of a load test, in a thread of its own: counts, and is as slow as it is told. */
const { scrapeByMs, firstMs } = workerData as ReceiverThreadData;
const MAX_BYTES = 64 * 1024 * 1024;

const counter = new SampleCounter((ms) => {
  const at = ms - firstMs;
  const number = at >= 0 && at < scrapeByMs.length ? Atomics.load(scrapeByMs, at) : 0;
  return number === 0 ? undefined : number - 1;
});
let delayMs = 0;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => {
    void sleep(delayMs).then(() => {
      try {
        counter.add(snappyUncompress(Buffer.concat(chunks), MAX_BYTES));
        response.writeHead(204).end();
      } catch (error) {
        response.writeHead(400).end(String(error));
      }
    });
  });
});

const say = (message: FromReceiver): void => parentPort?.postMessage(message);
server.listen(0, '127.0.0.1', () => say({ kind: 'listening', port: (server.address() as AddressInfo).port }));
parentPort?.on('message', (message: ToReceiver) => {
  if (message.kind === 'count') say({ kind: 'counted', counted: counter.counted() });
  else delayMs = message.delayMs;
});
