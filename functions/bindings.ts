import type { SettingTexts } from './env.ts';

/** What the platform hands to the Worker and to its Durable Objects; named in wrangler.toml. */
export interface Bindings extends SettingTexts {
  readonly SHARD: DurableObjectNamespace;
  /** The bucket, unless settings name one on S3. */
  readonly BUFFER?: R2Bucket;
}
