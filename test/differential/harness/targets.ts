import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { freePort } from '../../e2e/harness/program.ts';
import type { Answer, Case } from './cases.ts';

/** Keeps explicit times away from the times of scrapes, which are a second apart. */
const BASE_LEAD_MS = 300;

export type Scraper = 'prometheus' | 'agent';

/** Both programs ask at one address, so that `instance` is equal; the User-Agent tells who asks. */
export const scraperOf = (request: IncomingMessage): Scraper =>
  (request.headers['user-agent'] ?? '').startsWith('Prometheus/') ? 'prometheus' : 'agent';

/** A target that tells each of the two scrapers the same story, each at its own pace. */
export class CaseTarget {
  readonly address: string;
  /** Explicit times handed out, ms: by them a sample's time is known not to be its scrape's. */
  readonly explicitMs = new Set<number>();
  /** Scrapes that began, by who asked. */
  readonly asked = { prometheus: 0, agent: 0 };
  /** What `{{+0}}` stands for: a little after anybody asked first. */
  baseMs = 0;
  readonly #answers: readonly Answer[];
  readonly #server: Server;

  private constructor(server: Server, port: number, answers: readonly Answer[]) {
    this.#server = server;
    this.#answers = answers;
    this.address = `127.0.0.1:${port}`;
    server.on('request', (request, response) => this.#handle(request, response));
  }

  static async start(one: Case): Promise<CaseTarget> {
    const server = createServer();
    // Of those that the system does not hand out: another case's target would get it.
    if (one.closed) return new CaseTarget(server, await freePort(), one.scrapes);
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(0, '127.0.0.1', done);
    });
    return new CaseTarget(server, (server.address() as AddressInfo).port, one.scrapes);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const scraper = scraperOf(request);
    const redirected = request.url?.includes('redirected') ?? false;
    if (!redirected) this.asked[scraper]++;
    const answer = this.#answers[Math.min(this.asked[scraper], this.#answers.length) - 1];
    if (answer === undefined || answer.gone) {
      request.socket.destroy();
      return;
    }
    if (answer.redirect && !redirected) {
      response.writeHead(302, { location: `${new URL(request.url ?? '/', 'http://x').pathname}?redirected` }).end();
      return;
    }
    const send = (): void => this.#send(answer, request, response);
    if (answer.delayMs > 0) setTimeout(send, answer.delayMs);
    else send();
  }

  #send(answer: Answer, request: IncomingMessage, response: ServerResponse): void {
    const plain = Buffer.from(this.#render(answer.text, request), 'latin1');
    const gzip = answer.gzip && request.headers['accept-encoding'] === 'gzip';
    const body = gzip ? gzipSync(plain) : plain;
    response.writeHead(answer.status, {
      // Go's client asks again, at once, where a connection that was in use before ends without an answer.
      ...(this.#answers.some(({ gone }) => gone) ? { connection: 'close' } : {}),
      ...(answer.type === '' ? {} : { 'content-type': answer.type }),
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
      'content-length': body.length,
    });
    response.end(body);
  }

  /**
   * `{{+500}}`: an explicit time in ms, the same for both scrapers; `{{+500s}}` the same in seconds. `{{url}}` and
   * `{{header x}}`: what was asked for. `{{repeat n text}}`. `{{byte ff}}`. The result has one char per byte.
   */
  #render(text: string, request: IncomingMessage): string {
    if (this.baseMs === 0) this.baseMs = Date.now() + BASE_LEAD_MS;
    const utf8 = (value: string): string => Buffer.from(value).toString('latin1');
    return utf8(text).replace(/\{\{(.*?)\}\}/g, (_, what: string) => {
      const time = /^([+-]\d+)(s?)$/.exec(what);
      if (time !== null) {
        const ms = this.baseMs + Number(time[1]);
        this.explicitMs.add(ms);
        return time[2] === 's' ? (ms / 1000).toFixed(3) : String(ms);
      }
      const [verb = '', argument = '', ...rest] = what.split(' ');
      if (verb === 'url') return utf8(request.url ?? '');
      if (verb === 'header') return utf8(String(request.headers[argument] ?? 'none'));
      if (verb === 'repeat') return rest.join(' ').repeat(Number(argument));
      if (verb === 'byte') return String.fromCharCode(Number.parseInt(argument, 16));
      throw new Error(`unknown placeholder {{${what}}}`);
    });
  }
}
