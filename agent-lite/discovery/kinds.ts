import type { SdConfig } from '../config/types.ts';
import { type Discovery, staticDiscovery } from './discovery.ts';
import { type DnsDiscoveryOptions, dnsDiscovery } from './dns.ts';
import { type FileDiscoveryOptions, fileDiscovery } from './file.ts';
import { type HttpDiscoveryOptions, httpDiscovery } from './http.ts';

/** What the kinds of discovery need of the world around them, together. */
export type DiscoveryTools = FileDiscoveryOptions & HttpDiscoveryOptions & DnsDiscoveryOptions;

type Kinds = { readonly [K in SdConfig['kind']]: (config: Extract<SdConfig, { kind: K }>, tools: DiscoveryTools) => Discovery };

/** Every kind of discovery. A further one is one more line, its file here, and its reader in config/sd.ts. */
const kinds: Kinds = {
  static: ({ group }) => staticDiscovery([group]),
  file: fileDiscovery,
  http: httpDiscovery,
  dns: dnsDiscovery,
};

/** Throws where the configuration cannot work at all (a proxy of the environment that is no URL). */
export function createDiscovery<K extends SdConfig['kind']>(config: Extract<SdConfig, { kind: K }>, tools: DiscoveryTools): Discovery {
  const create: Kinds[K] = kinds[config.kind as K];
  return create(config, tools);
}
