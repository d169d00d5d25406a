import { Agent, request } from 'node:http';
import { decodeAnswer, PUSH_PATH } from '../../contract/push.ts';
import { sleep } from '../e2e/harness/wait.ts';
import type { LoadPushes } from './pushes.ts';
import { PUSH_HEADERS } from './pushes.ts';

/** What the devices of one part of a load test heard. */
export class Heard {
  /** Acknowledged pushes. */
  stored = 0;
  /** Status -> answers that ask to wait and say how long. */
  readonly waits = new Map<number, number>();
  /** Asked to wait without `Retry-After`. */
  waitsWithoutTime = 0;
  /** Anything else, in words; the first few. */
  readonly errors: string[] = [];
  errorCount = 0;
  /** From request to answer, ms. */
  readonly latencies: number[] = [];

  get asksToWait(): number {
    return [...this.waits.values()].reduce((sum, count) => sum + count, 0);
  }

  error(text: string): void {
    this.errorCount++;
    if (this.errors.length < 10) this.errors.push(text);
  }
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Uint8Array;
}

/** A device waits no longer than this before it asks again, whatever it was told: the test has to end. */
const LONGEST_WAIT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 60_000;

/** One connection, one request at a time, as a device has it; pushes as fast as it is answered. */
export class LoadDevice {
  readonly name: string;
  readonly #url: URL;
  readonly #token: string;
  readonly #pushes: LoadPushes;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** Pushes acknowledged in all. */
  acknowledged = 0;

  constructor(name: string, edgeUrl: string, token: string, pushes: LoadPushes) {
    this.name = name;
    this.#url = new URL(PUSH_PATH, edgeUrl);
    this.#token = token;
    this.#pushes = pushes;
  }

  /** Pushes while `goesOn` says so; a push that is in flight then is still waited for. */
  async run(goesOn: () => boolean, heard: Heard): Promise<void> {
    while (goesOn()) await sleep(await this.#push(heard));
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Resolves with how long to wait, ms. */
  async #push(heard: Heard): Promise<number> {
    const number = this.acknowledged + 1;
    const startMs = performance.now();
    try {
      const headers = { ...PUSH_HEADERS, authorization: `Bearer ${this.#token}` };
      const answer = await post(this.#url, this.#agent, headers, this.#pushes.body(number, Date.now()));
      if (answer.status === 429 || answer.status === 503) return waitAsTold(answer, heard);
      const { code, position, message } = decodeAnswer(answer.body);
      if (answer.status !== 200 || code !== 'stored' || position !== number) {
        heard.error(`${this.name}: push ${number}: ${answer.status} ${code} ${position} ${message}`);
        return 1000;
      }
      this.acknowledged = number;
      heard.stored++;
      heard.latencies.push(performance.now() - startMs);
      return 0;
    } catch (error) {
      heard.error(`${this.name}: push ${number}: ${error instanceof Error ? error.message : String(error)}`);
      return 1000;
    }
  }
}

function waitAsTold({ status, retryAfter }: Answer, heard: Heard): number {
  if (retryAfter === undefined || !/^[1-9]\d*$/.test(retryAfter)) {
    heard.waitsWithoutTime++;
    return LONGEST_WAIT_MS;
  }
  heard.waits.set(status, (heard.waits.get(status) ?? 0) + 1);
  return Math.min(LONGEST_WAIT_MS, Number(retryAfter) * 1000);
}

/** `node:http` with an agent of one socket: what `fetch` does with its connections is not ours to say. */
export function post(url: URL, agent: Agent, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<Answer> {
  return new Promise((done, failed) => {
    const sent = request(url, { agent, method: 'POST', headers: { ...headers, 'content-length': body.length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', failed);
      response.once('end', () => {
        const retryAfter = response.headers['retry-after'];
        done({ status: response.statusCode ?? 0, retryAfter, body: new Uint8Array(Buffer.concat(chunks)) });
      });
    });
    sent.setTimeout(ANSWER_TIMEOUT_MS, () => sent.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)));
    sent.once('error', failed);
    sent.end(body);
  });
}
