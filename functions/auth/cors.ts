/**
 * What lets pages of other origins use the device protocol (Fetch standard, "CORS protocol"). A browser asks without a token whether it
 * may send one: that is answered for every origin that some tenant allows. Whether the page may read the answer to what it
 * then sends depends on the tenant of its token alone, so no answer tells whose origin it is. No cookies: tokens only.
 */

/** Headers of answers, besides those that every page may read. */
const EXPOSED = 'retry-after, x-request-id, x-relay-version, date';
/** Seconds for which browsers need not ask again; none remembers it for longer. */
const MAX_AGE_S = 7200;

/** @param origins of all tenants */
export function preflight(request: Request, origins: ReadonlySet<string>): Response | undefined {
  const origin = request.headers.get('origin');
  if (origin === null || !request.headers.has('access-control-request-method')) return undefined;
  if (!origins.has(origin)) return new Response(null, { status: 204 });
  const headers = {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'POST, PUT, HEAD, GET',
    'access-control-allow-headers': 'authorization, content-type, content-encoding',
    'access-control-max-age': String(MAX_AGE_S),
  };
  return new Response(null, { status: 204, headers });
}

/** @param allowed origins of the token's tenant; undefined: no tenant is known */
export function allowOrigin(headers: Headers, origin: string | undefined, allowed: ReadonlySet<string> | undefined): void {
  // Whoever keeps answers must keep one for each origin, and one for none.
  headers.append('vary', 'Origin');
  if (origin === undefined || allowed?.has(origin) !== true) return;
  headers.set('access-control-allow-origin', origin);
  headers.set('access-control-expose-headers', EXPOSED);
}
