import { labelsKey } from '../../contract/labels.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { encodeFamily, nestedSize, RemoteWriteBuffer } from '../../contract/remote-write.ts';
import { snappyCompress } from '../../contract/snappy.ts';
import type { MetadataConfig } from '../config/types.ts';
import type { Clock, LoggedScrape, Logger, Metrics } from '../model.ts';
import { MAX_REQUEST_BYTES } from './batch.ts';
import type { RemoteWriteClient } from './client.ts';

export interface MetadataOptions {
  readonly config: MetadataConfig;
  readonly client: RemoteWriteClient;
  readonly clock: Pick<Clock, 'boot'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Label of the metrics. */
  readonly remoteName: string;
  readonly giveUp: AbortSignal;
}

/** A target that was not scraped for so long is not told of any more. */
const FORGET_MS = 600_000;

/** Tells metadata each `send_interval`. One try each: what fails is told the next time. */
export class MetadataSender {
  readonly #o: MetadataOptions;
  readonly #collection = new MetadataCollection();
  #sentMs: number | undefined;

  constructor(options: MetadataOptions) {
    this.#o = options;
  }

  add(scrape: LoggedScrape): void {
    if (this.#o.config.send) this.#collection.add(scrape, this.#o.clock.boot());
  }

  async sendIfDue(): Promise<void> {
    const { config, clock, client, giveUp, metrics, logger, remoteName } = this.#o;
    const now = clock.boot();
    if (!config.send || (this.#sentMs !== undefined && now - this.#sentMs < config.sendIntervalMs)) return;
    this.#collection.forget(now - FORGET_MS);
    for (const bytes of this.#collection.requests(config.maxSamplesPerSend)) {
      this.#sentMs = now;
      const body = snappyCompress(bytes);
      const answer = await client.send(body, 0, giveUp);
      if (answer.kind === 'aborted') return;
      const code = answer.kind === 'done' ? '2xx' : answer.code;
      metrics.add('agent_lite_remote_write_metadata_requests_total', 1, { remote_name: remoteName, code });
      metrics.add('agent_lite_remote_write_sent_bytes_total', body.length, { remote_name: remoteName });
      if (answer.kind === 'done') continue;
      logger.log('warn', 'Sending metadata failed', { error: answer.message });
      return;
    }
  }
}

/** What the targets say of their metrics, as far as the log was read. Remote write 1.0 tells it by family, not by target. */
class MetadataCollection {
  readonly #targets = new Map<string, { families: readonly FamilyMetadata[]; seenMs: number }>();

  /** @param nowMs the boot clock */
  add({ target, metadata }: LoggedScrape, nowMs: number): void {
    const key = labelsKey(target);
    const known = this.#targets.get(key);
    const families = metadata ?? known?.families;
    if (families !== undefined && families.length > 0) this.#targets.set(key, { families, seenMs: nowMs });
  }

  /** Forgets targets that were not seen since. */
  forget(beforeMs: number): void {
    for (const [key, { seenMs }] of this.#targets) if (seenMs < beforeMs) this.#targets.delete(key);
  }

  /** `WriteRequest`s of at most `maxFamilies` each, not compressed. Families that targets describe alike are told once. */
  *requests(maxFamilies: number): Generator<Uint8Array<ArrayBuffer>> {
    const told = new Set<string>();
    const buffer = new RemoteWriteBuffer();
    let count = 0;
    for (const { families } of this.#targets.values()) {
      for (const family of families) {
        const key = JSON.stringify([family.family, family.type, family.help, family.unit]);
        if (told.has(key)) continue;
        told.add(key);
        const encoded = encodeFamily(family);
        if (count === maxFamilies || (count > 0 && buffer.length + nestedSize(encoded) > MAX_REQUEST_BYTES)) {
          yield buffer.take();
          count = 0;
        }
        buffer.addFamily(encoded);
        count++;
      }
    }
    if (count > 0) yield buffer.take();
  }
}
