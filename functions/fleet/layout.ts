import { err, ok, type Result } from '../../contract/result.ts';
import type { Identity, ObjectStore } from '../model.ts';
import { shardIndex } from '../spread.ts';

/**
 * How many shards a generation of a tenant has, written once, before its first shard is registered. Every Worker goes by it,
 * whatever its own configuration says: two that spread devices differently would let a device overtake its own backlog.
 */
const PREFIX = 'v1/generations/';
/** Layouts, and generations of tenants, remembered. Forgetting costs one read, or one hop. */
const REMEMBERED = 10_000;
/** Between two looks at the bucket for {@link Layouts.conflicts}, ms. */
const LOOK_MS = 60_000;
/** Layouts read for one look; a tenant that pushes is checked in any case. */
const LAYOUTS_LOOKED_AT = 200;
/** Bounds what a damaged object can ask for. */
const MAX_SHARDS = 1_000_000;

export interface LayoutsOptions {
  readonly store: ObjectStore;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** `shard.generation` of this Worker's configuration. */
  readonly generation: number;
  /** Shards that this Worker's configuration gives a tenant. */
  readonly shards: (tenant: string) => number;
  /** Called once for each tenant, generation and isolate whose layout is another than the configured one. */
  readonly onConflict: (words: string) => void;
}

/** Where a device's pushes go. */
export interface Place {
  /** `tenant/generation/index`. */
  readonly name: string;
  /** What this Worker's configuration says otherwise. */
  readonly conflict: 'shards' | 'generation' | undefined;
}

/** Finds the shard of a device: by the newest generation this isolate knows of, and by the layout that is stored for it. */
export class Layouts {
  readonly #options: LayoutsOptions;
  /** `tenant/generation` -> shards. */
  readonly #layouts = new Map<string, Promise<number>>();
  /** Tenant -> a generation that a shard told of. */
  readonly #moved = new Map<string, number>();
  #conflicts: Promise<readonly string[]> | undefined;
  #lookedMs = 0;

  constructor(options: LayoutsOptions) {
    this.#options = options;
  }

  /** Rejects where the store does, and where a layout that must be there is not. */
  async place({ tenant, device }: Identity): Promise<Place> {
    const configured = this.#options.generation;
    const generation = Math.max(configured, this.#moved.get(tenant) ?? 0);
    const shards = await this.#shards(tenant, generation);
    const differs = generation === configured && shards !== this.#options.shards(tenant);
    return {
      name: `${tenant}/${generation}/${shardIndex(device, shards)}`,
      conflict: generation > configured ? 'generation' : differs ? 'shards' : undefined,
    };
  }

  /** A closed shard told of a newer generation. False where that is none: then following it would lead nowhere. */
  follow(tenant: string, generation: number): boolean {
    const { generation: configured, onConflict } = this.#options;
    if (generation <= Math.max(configured, this.#moved.get(tenant) ?? 0)) return false;
    if (this.#moved.size >= REMEMBERED) this.#moved.clear();
    this.#moved.set(tenant, generation);
    onConflict(generationWords(tenant, generation, configured));
    return true;
  }

  /** In words without names, since anybody may read them: where the configuration differs from what is in use. A look a minute. */
  conflicts(): Promise<readonly string[]> {
    const now = this.#options.now();
    if (this.#conflicts === undefined || now - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = now;
      const looking = this.#look();
      looking.catch(() => {
        if (this.#conflicts === looking) this.#conflicts = undefined;
      });
      this.#conflicts = looking;
    }
    return this.#conflicts;
  }

  async #look(): Promise<readonly string[]> {
    const { store, generation: configured, shards } = this.#options;
    const newest = new Map<string, number>();
    for (const key of await store.list(PREFIX, { limit: REMEMBERED })) {
      const [tenant = '', generation = ''] = key.slice(PREFIX.length).split('/');
      newest.set(tenant, Math.max(newest.get(tenant) ?? 0, Number(generation)));
    }
    const later = [...newest.values()].filter((generation) => generation > configured);
    const same = [...newest].filter(([, generation]) => generation === configured).slice(0, LAYOUTS_LOOKED_AT);
    const differ = await Promise.all(same.map(async ([tenant]) => (await this.#shards(tenant, configured)) !== shards(tenant)));
    const different = differ.filter(Boolean).length;
    return [
      ...(later.length > 0
        ? [`Tenants that use a generation of shards after the configured ${configured}: ${later.length}, up to ${Math.max(...later)}.`]
        : []),
      ...(different > 0
        ? [`Tenants whose generation ${configured} has another number of shards than is configured: ${different}. The stored one is used.`]
        : []),
    ];
  }

  #shards(tenant: string, generation: number): Promise<number> {
    const name = `${tenant}/${generation}`;
    const known = this.#layouts.get(name);
    if (known !== undefined) return known;
    if (this.#layouts.size >= REMEMBERED) this.#layouts.clear();
    const found = this.#find(tenant, generation);
    this.#layouts.set(name, found);
    // What could not be read is asked for again by the next push.
    found.catch(() => this.#layouts.delete(name));
    return found;
  }

  async #find(tenant: string, generation: number): Promise<number> {
    const { store, generation: configured, onConflict } = this.#options;
    const wanted = this.#options.shards(tenant);
    const key = `${PREFIX}${tenant}/${generation}`;
    let body = await store.get(key);
    if (body === undefined) {
      // A newer generation has its layout before anybody can tell of it.
      if (generation !== configured) throw new Error(`${key}: expected the layout of a generation in use, got nothing`);
      const own = new TextEncoder().encode(JSON.stringify({ shards: wanted }));
      try {
        await store.create(key, own);
      } catch (error) {
        // Perhaps another isolate was faster; perhaps it is written all the same.
        if ((await store.head(key)) === undefined) throw error;
      }
      body = await store.get(key);
    }
    const shards = readLayout(key, body);
    if (generation === configured && shards !== wanted) onConflict(shardsWords(tenant, generation, shards, wanted));
    return shards;
  }
}

/** Shards of a generation in use. Rejects where there is no layout. */
export async function storedShards(store: Pick<ObjectStore, 'get'>, tenant: string, generation: number): Promise<number> {
  const key = `${PREFIX}${tenant}/${generation}`;
  return readLayout(key, await store.get(key));
}

function readLayout(key: string, body: Uint8Array | undefined): number {
  const parsed = parseLayout(body);
  if (!parsed.ok) throw new Error(`${key}: expected {"shards": a whole number from 1}, got ${parsed.error}`);
  return parsed.value;
}

function parseLayout(body: Uint8Array | undefined): Result<number, string> {
  const text = new TextDecoder().decode(body ?? new Uint8Array(0));
  try {
    const shards = (JSON.parse(text) as { readonly shards?: unknown } | null)?.shards;
    if (typeof shards === 'number' && Number.isInteger(shards) && shards >= 1 && shards <= MAX_SHARDS) return ok(shards);
  } catch {
    // Told below, as whatever it is.
  }
  return err(JSON.stringify(text.slice(0, 100)));
}

const shardsWords = (tenant: string, generation: number, stored: number, wanted: number): string =>
  `tenant ${tenant}: generation ${generation} has ${stored} shards since its first push, the configuration gives it ${wanted}; ` +
  `${stored} are used. Raise shard.generation above ${generation} to change that`;

const generationWords = (tenant: string, generation: number, configured: number): string =>
  `tenant ${tenant}: generation ${generation} is in use, the configuration says ${configured}; ${generation} is used. ` +
  `A generation never comes back: set shard.generation to ${generation}, or raise it above that with the shards you want`;
