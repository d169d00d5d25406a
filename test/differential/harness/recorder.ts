import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeRemoteWrite, type WrittenSample } from '../../../contract/decode-remote-write.ts';
import { formatLabels, type Label, type Labels, labelsKey, labelValue } from '../../../contract/labels.ts';

export interface RecordedSeries {
  readonly labels: Labels;
  /** In the order of arrival; what came again, time and bits, is kept once. */
  readonly samples: WrittenSample[];
}

const MAX_BYTES = 64 * 1024 * 1024;

/** A remote-write 1.0 receiver that takes everything and keeps the raw bits, and has no opinion of its own. */
export class Recorder {
  readonly url: string;
  readonly series = new Map<string, RecordedSeries>();
  /** Requests that could not be read. */
  readonly faults: string[] = [];
  readonly #server: Server;
  readonly #identity: Label | undefined;

  private constructor(server: Server, port: number, identity: Label | undefined) {
    this.#server = server;
    this.#identity = identity;
    this.url = `http://127.0.0.1:${port}/api/v1/write`;
    server.on('request', async (request, response) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        this.#add(Buffer.concat(chunks));
      } catch (error) {
        this.faults.push(String(error));
      }
      response.writeHead(204).end();
    });
  }

  /** @param identity the label that the edge gives every series: checked, and taken away, since Prometheus alone adds none */
  static async start(identity?: Label): Promise<Recorder> {
    const server = createServer();
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(0, '127.0.0.1', done);
    });
    return new Recorder(server, (server.address() as AddressInfo).port, identity);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  /** The series of one case. */
  of(name: string): readonly RecordedSeries[] {
    return [...this.series.values()].filter(({ labels }) => labelValue(labels, 'case') === name);
  }

  #add(body: Buffer): void {
    for (const { labels: written, samples } of decodeRemoteWrite(body, MAX_BYTES)) {
      const labels = this.#withoutIdentity(written);
      const key = labelsKey(labels);
      const known = this.series.get(key) ?? { labels, samples: [] };
      this.series.set(key, known);
      for (const sample of samples) {
        if (!known.samples.some(({ time, bits }) => time === sample.time && bits === sample.bits)) known.samples.push(sample);
      }
    }
  }

  #withoutIdentity(labels: Labels): Labels {
    if (this.#identity === undefined) return labels;
    const [name, value] = this.#identity;
    if (labelValue(labels, name) !== value) this.faults.push(`${formatLabels(labels)}: expected ${name}="${value}"`);
    return labels.filter((label) => label[0] !== name);
  }
}
