/** Parameters of admin requests. */

/** Of a tenant or a device, as tokens have them. */
export const isName = (text: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(text);
export const NAME_EXPECTED = 'expected 1 to 64 letters, digits, "_" or "-"';

/** Undefined where it is no number of 1 to `greatest`. */
export function wholeNumber(text: string | null, otherwise: number, greatest: number): number | undefined {
  if (text === null) return otherwise;
  const value = Number(text);
  return /^\d{1,6}$/.test(text) && value >= 1 && value <= greatest ? value : undefined;
}
