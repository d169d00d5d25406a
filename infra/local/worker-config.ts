import { join } from 'node:path';
import { unstable_readConfig } from 'wrangler';

/** What the local stack needs of wrangler.toml, which stays the only place where it is written. */
export interface WorkerConfig {
  readonly name: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** Binding -> class name. */
  readonly durableObjects: Readonly<Record<string, string>>;
  /** Binding -> bucket name. */
  readonly buckets: Readonly<Record<string, string>>;
  readonly crons: readonly string[];
}

export function readWorkerConfig(root: string): WorkerConfig {
  const file = join(root, 'wrangler.toml');
  const config = unstable_readConfig({ config: file }, { hideWarnings: true });
  if (config.compatibility_date === undefined) throw new Error(`${file}: expected a compatibility_date, found none`);
  const objects: readonly { readonly name: string; readonly class_name: string }[] = config.durable_objects.bindings;
  const buckets: readonly { readonly binding: string; readonly bucket_name?: string }[] = config.r2_buckets;
  return {
    name: config.name ?? 'relay',
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    variables: Object.fromEntries(Object.entries(config.vars).map(([name, value]) => [name, String(value)])),
    durableObjects: Object.fromEntries(objects.map((object) => [object.name, object.class_name])),
    buckets: Object.fromEntries(buckets.map((bucket) => [bucket.binding, bucket.bucket_name ?? bucket.binding.toLowerCase()])),
    crons: config.triggers.crons ?? [],
  };
}
