import { isTime } from '../../contract/cells.ts';
import { EXEMPLAR_LABEL_RUNES, type Exemplar } from '../../contract/exemplar.ts';
import { countRunes, exemplarBytes } from '../../contract/exemplar-codec.ts';
import { isValidName, type Labels } from '../../contract/labels.ts';
import { attachmentLimits } from '../../contract/limits.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { encodeMetadata, isWritable } from '../../contract/metadata-codec.ts';
import { type Sha256, toHex } from '../../contract/series-table.ts';
import type { Scrape } from '../model.ts';

/** What travels beside the samples of a scrape. Nothing in here is ever the reason why a scrape is not written. */

/** The metadata of a target. Equal ones have one hash, and mostly are one object. */
export interface MetadataSet {
  /** 32 hex digits: the first 16 bytes of SHA-256 over `encodeMetadata`. */
  readonly hash: string;
  readonly families: readonly FamilyMetadata[];
}

/** Families of all sets kept; one is some 200 bytes. The scraper holds those in use anyway. */
const MAX_CACHED_FAMILIES = 20_000;

/** Sets met lately, so that what is read again, or is the same for many targets, is held once. */
export class MetadataCache {
  readonly #sets = new Map<string, MetadataSet>();
  #families = 0;

  get(hash: string): MetadataSet | undefined {
    const set = this.#sets.get(hash);
    if (set !== undefined) {
      this.#sets.delete(hash);
      this.#sets.set(hash, set);
    }
    return set;
  }

  /** The set that is kept under its hash from now on. */
  add(set: MetadataSet): MetadataSet {
    const known = this.get(set.hash);
    if (known !== undefined) return known;
    this.#sets.set(set.hash, set);
    this.#families += set.families.length;
    for (const old of this.#sets.values()) {
      if (this.#families <= MAX_CACHED_FAMILIES || old === set) break;
      this.#sets.delete(old.hash);
      this.#families -= old.families.length;
    }
    return set;
  }
}

/** Targets remembered; of more, the one not scraped for longest is forgotten until its metadata change. */
const TARGETS_KEPT = 10_000;

/**
 * A scrape only brings its target's metadata when they changed. This remembers them over segments, since each segment has to
 * tell them again.
 */
export class CurrentMetadata {
  readonly #sha256: Sha256;
  readonly #cache: MetadataCache;
  readonly #targets = new Map<string, { readonly given: readonly FamilyMetadata[]; readonly set: MetadataSet | undefined }>();

  constructor(sha256: Sha256, cache: MetadataCache) {
    this.#sha256 = sha256;
    this.#cache = cache;
  }

  /**
   * Those of the scrape's target as of this scrape. `refused`: they are beyond the limits.
   * @param key of the target, as `labelsKey` makes it
   */
  async of(key: string, { metadata: given }: Pick<Scrape, 'metadata'>): Promise<MetadataSet | 'refused' | undefined> {
    let known = this.#targets.get(key);
    let refused = false;
    if (given !== undefined && given !== known?.given) {
      const set = await this.#setOf(given);
      refused = set === 'refused';
      known = { given, set: set === 'refused' ? undefined : set };
    }
    if (known === undefined) return undefined;
    this.#targets.delete(key);
    this.#targets.set(key, known);
    trim(this.#targets, TARGETS_KEPT);
    return refused ? 'refused' : known.set;
  }

  async #setOf(given: readonly FamilyMetadata[]): Promise<MetadataSet | 'refused' | undefined> {
    if (given.length === 0) return undefined;
    if (!isWritable(given)) return 'refused';
    const hash = toHex((await this.#sha256(encodeMetadata(given))).subarray(0, 16));
    return this.#cache.add({ hash, families: given });
  }
}

/** Drops the oldest entry where there is one too many. */
export function trim(map: Map<unknown, unknown>, limit: number): void {
  if (map.size <= limit) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

/** The exemplars that can be logged and pushed, ascending by row. */
export function writableExemplars(exemplars: readonly Exemplar[], rows: number): readonly Exemplar[] {
  if (exemplars.length === 0) return exemplars;
  const { exemplarsPerPush, exemplarBytesPerPush, exemplarsPerSample } = attachmentLimits;
  let bytes = 0;
  let row = -1;
  let ofRow = 0;
  const kept: Exemplar[] = [];
  for (const exemplar of [...exemplars].sort((a, b) => a.row - b.row)) {
    if (kept.length >= exemplarsPerPush) break;
    if (!isSound(exemplar, rows)) continue;
    const size = exemplarBytes(exemplar);
    if (exemplar.row !== row) ofRow = 0;
    row = exemplar.row;
    if (bytes + size > exemplarBytesPerPush || ++ofRow > exemplarsPerSample) continue;
    bytes += size;
    kept.push(exemplar);
  }
  return kept;
}

const isSound = ({ row, labels, ms }: Exemplar, rows: number): boolean =>
  Number.isInteger(row) && row >= 0 && row < rows && (ms === undefined || isTime(ms)) && areSound(labels);

function areSound(labels: Labels): boolean {
  let runes = 0;
  for (const [name, value] of labels) {
    if (!isValidName(name) || !isValidName(value)) return false;
    runes += countRunes(name) + countRunes(value);
  }
  return runes <= EXEMPLAR_LABEL_RUNES;
}
