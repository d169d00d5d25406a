import { labelsKey } from '../../contract/labels.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { encodeFamily, nestedSize, RemoteWriteBuffer } from '../../contract/remote-write.ts';
import type { LoggedScrape } from '../model.ts';
import { MAX_REQUEST_BYTES } from './batch.ts';

/** What the targets say of their metrics, as far as the log was read. Remote write 1.0 tells it by family, not by target. */
export class MetadataCollection {
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
