/** A host as browsers write it: lower case, international names in ASCII, IPv6 in brackets. */
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::(\d{1,5}))?$/;
const OWN_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * Whether a text is an origin as browsers send it in `Origin` (RFC 6454): scheme, host, a port where it is not the scheme's own, and
 * nothing behind. Patterns are none. `null` is none either: files, sandboxed frames and some redirects all have that one.
 */
export function isOrigin(text: string): boolean {
  const [, scheme, port] = (text.length <= 256 ? ORIGIN.exec(text) : null) ?? [];
  return scheme !== undefined && scheme !== 'file' && (port === undefined || OWN_PORTS[scheme] !== port);
}
