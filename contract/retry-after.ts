/**
 * How long the answer's `Retry-After` asks to wait: seconds, or an HTTP date (RFC 9110, 10.2.3). Returns ms from now, 0 for a
 * date that is past; undefined: absent, or neither.
 */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
