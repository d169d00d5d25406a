import { createServer, type Server } from 'node:http';

/** What a target gave out, and when it was asked. */
export interface HandedOut {
  readonly number: number;
  readonly askedMs: number;
  /** Undefined: it answered 500. */
  readonly text: string | undefined;
  /** All of it was handed to the network. */
  complete: boolean;
}

/** A scrape target whose n-th answer a function decides, and which remembers each answer: the ledger of these tests. */
export class ScriptedTarget {
  readonly handedOut: HandedOut[] = [];
  readonly address: string;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.address = `127.0.0.1:${port}`;
  }

  /** @param render the exposition of the n-th scrape, from 1; `undefined`: the target answers 500 */
  static async start(render: (number: number) => string | undefined): Promise<ScriptedTarget> {
    let target: ScriptedTarget | undefined;
    let number = 0;
    const server = createServer((request, response) => {
      request.resume();
      number++;
      const text = render(number);
      const entry: HandedOut = { number, askedMs: Date.now(), text, complete: false };
      target?.handedOut.push(entry);
      if (text === undefined) {
        response.writeHead(500).end('scripted failure\n');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'content-length': Buffer.byteLength(text) });
      response.end(text, () => {
        entry.complete = true;
      });
    });
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(0, '127.0.0.1', done);
    });
    const address = server.address();
    target = new ScriptedTarget(server, typeof address === 'object' && address !== null ? address.port : 0);
    return target;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }
}

/** `count` series whose values name the scrape: series i of scrape n has the value n * 1000 + i. */
export function numberedSeries(number: number, count: number): string {
  const lines = ['# TYPE ledger_value gauge'];
  for (let i = 0; i < count; i++) lines.push(`ledger_value{series="${i}"} ${number * 1000 + i}`);
  return `${lines.join('\n')}\n`;
}
