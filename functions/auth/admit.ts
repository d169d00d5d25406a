import { err, ok, type Result } from '../../contract/result.ts';
import type { KnownTokens } from './known-tokens.ts';
import { type AuthFailure, isRevoked, signedTenant, type TokenHolder, type verifyToken } from './token.ts';

/** What counts of a tenant's configuration. */
export interface AdmittingTenant {
  readonly revokedDevices: ReadonlySet<string>;
  readonly tokensNotBeforeMs: number | undefined;
  readonly corsOrigins: ReadonlySet<string>;
}

export interface Visitor<T> {
  /** Values of the headers Authorization and Origin. */
  readonly header: string | undefined;
  readonly origin: string | undefined;
  readonly key: string;
  readonly known: KnownTokens;
  readonly nowMs: number;
  readonly verify: typeof verifyToken;
  readonly tenantOf: (name: string) => T | undefined;
}

export interface Admission<T> {
  readonly result: Result<{ readonly holder: TokenHolder; readonly tenant: T }, AuthFailure>;
  /** Pages that may read the answer, admitted or not; undefined: no tenant is known. */
  readonly corsOrigins: ReadonlySet<string> | undefined;
}

/** Whether a request may come in: a good token of a tenant there is, not taken back, from where it may be used. */
export async function admit<T extends AdmittingTenant>(visitor: Visitor<T>): Promise<Admission<T>> {
  const { header, origin, key, known, nowMs, verify, tenantOf } = visitor;
  const holder = await verify(header, key, nowMs, known);
  if (!holder.ok) {
    // A page has to read that its token has ended. Of other bad tokens it is not known whose they are.
    const name = holder.error === 'expired' && origin !== undefined ? await signedTenant(header, key) : undefined;
    return { result: holder, corsOrigins: name === undefined ? undefined : tenantOf(name)?.corsOrigins };
  }
  const tenant = tenantOf(holder.value.tenant);
  if (tenant === undefined) return { result: err('unknown_tenant'), corsOrigins: undefined };
  const { corsOrigins } = tenant;
  if (isRevoked(holder.value, tenant)) return { result: err('revoked'), corsOrigins };
  const { origins } = holder.value;
  if (origins !== undefined && !origins.includes(origin ?? '')) return { result: err('wrong_origin'), corsOrigins };
  return { result: ok({ holder: holder.value, tenant }), corsOrigins };
}
