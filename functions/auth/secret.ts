/**
 * Whether two secrets are equal, without telling by the time it takes how far they agree: their hashes are compared, which
 * nobody can steer.
 */
export async function equalSecrets(a: string, b: string): Promise<boolean> {
  const [x, y] = await Promise.all([digest(a), digest(b)]);
  return x.every((byte, i) => byte === y[i]);
}

const digest = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));

/** The token of `Authorization: Bearer TOKEN`, or an empty text. */
export const bearer = (header: string | undefined): string => /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '';
