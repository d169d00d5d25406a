import { VERSION } from '../contract/version.ts';
import { platformClock } from './clock.ts';
import type { ReceiverConfig } from './config/types.ts';
import { Receiver } from './forward/receiver.ts';

/** A receiver as the configuration describes it, on the platform's fetch; throws where a secret that it names is not set. */
export function receiverOf(config: ReceiverConfig, tenant: string, secrets: Readonly<Record<string, unknown>>): Receiver {
  return new Receiver({
    url: config.url,
    kind: config.kind,
    tenant,
    tenantHeader: config.tenantHeader,
    headers: config.headers.map(({ name, value }) => ({ name, value: headerValue(name, value, secrets) })),
    timeoutMs: config.remoteTimeoutMs,
    userAgent: `agent-lite-relay/${VERSION}`,
    fetch: (url, init) => fetch(url, init),
    clock: platformClock,
  });
}

function headerValue(name: string, value: ReceiverConfig['headers'][number]['value'], secrets: Readonly<Record<string, unknown>>): string {
  if (typeof value === 'string') return value;
  const secret = secrets[value.env];
  if (typeof secret === 'string' && secret !== '') return secret;
  throw new Error(`receiver header ${name}: expected the secret ${value.env}, got none. Set it with \`wrangler secret put ${value.env}\`.`);
}
