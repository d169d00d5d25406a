import { VERSION } from '../contract/version.ts';
import { platformClock } from './clock.ts';
import type { ReceiverAuthorization, ReceiverConfig, SecretName } from './config/types.ts';
import { type Fetch, Receiver } from './forward/receiver.ts';

/** Secrets and services of the Worker by name, as the platform hands them over. Unchecked. */
export type NamedBindings = Readonly<Record<string, unknown>>;

/** A receiver as the configuration describes it; throws the first of its {@link receiverFaults}. */
export function receiverOf(config: ReceiverConfig, tenant: string, bindings: NamedBindings): Receiver {
  const [fault] = receiverFaults(config, bindings);
  if (fault !== undefined) throw new Error(fault);
  const text = (value: string | SecretName): string => (typeof value === 'string' ? value : (secretOf(value, bindings) ?? ''));
  const headers = config.headers.map(({ name, value }) => ({ name, value: text(value) }));
  if (config.authorization !== undefined) headers.push({ name: 'authorization', value: credentials(config.authorization, text) });
  return new Receiver({
    url: config.url,
    kind: config.kind,
    tenant,
    tenantHeader: config.tenantHeader,
    headers,
    timeoutMs: config.remoteTimeoutMs,
    userAgent: `agent-lite-relay/${VERSION}`,
    fetch: fetchOf(config.binding, bindings) ?? ((url, init) => fetch(url, init)),
    clock: platformClock,
  });
}

/** What the configuration names and the platform does not give: one line each, fit for a page. */
export function receiverFaults({ name, headers, authorization, binding }: ReceiverConfig, bindings: NamedBindings): readonly string[] {
  const secrets: (readonly [place: string, value: string | SecretName])[] = headers.map((header) => [
    `headers.${header.name}`,
    header.value,
  ]);
  if (authorization?.kind === 'basic')
    secrets.push(['basic_auth.username', authorization.username], ['basic_auth.password', authorization.password]);
  if (authorization?.kind === 'token') secrets.push(['authorization.credentials', authorization.credentials]);
  const faults = secrets.flatMap(([place, value]) =>
    typeof value === 'string' || secretOf(value, bindings) !== undefined
      ? []
      : [`receiver ${name}: ${place}: expected the secret ${value.env}, got none. Set it with \`wrangler secret put ${value.env}\`.`],
  );
  if (binding !== '' && fetchOf(binding, bindings) === undefined)
    faults.push(
      `receiver ${name}: binding: expected a binding ${binding} that has a fetch, got none. Add it to wrangler.toml (infra/deploy.md, "Reaching Thanos Receive").`,
    );
  return faults;
}

/** Tabs and line ends have no place in a header; a file that was piped into the secret ends with one. */
function secretOf({ env }: SecretName, bindings: NamedBindings): string | undefined {
  const value = bindings[env];
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? undefined : text;
}

function credentials(authorization: ReceiverAuthorization, text: (value: string | SecretName) => string): string {
  if (authorization.kind === 'token') return `${authorization.type} ${text(authorization.credentials)}`;
  const pair = new TextEncoder().encode(`${text(authorization.username)}:${text(authorization.password)}`);
  return `Basic ${btoa(String.fromCharCode(...pair))}`;
}

/** Of a client certificate (`mtls_certificates`), a private network (`vpc_services`) or another Worker: all have a `fetch` of their own. */
function fetchOf(binding: string, bindings: NamedBindings): Fetch | undefined {
  const service = binding === '' ? undefined : bindings[binding];
  return isFetcher(service) ? (url, init) => service.fetch(url, init) : undefined;
}

const isFetcher = (value: unknown): value is { readonly fetch: Fetch } =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && 'fetch' in value && typeof value.fetch === 'function';
