/**
 * Upper and lower case as Go's `strings.ToUpper` and `strings.ToLower` have them: one code point becomes one code point
 * (Unicode's simple mappings). JavaScript's own use the full mappings, which make "SS" of a sharp s and look at neighbours.
 */

const ASCII = /^[\0-\x7f]*$/;

export function toLowerCase(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : mapCodePoints(text, (one) => one.toLowerCase(), SIMPLE_LOWER);
}

export function toUpperCase(text: string): string {
  return ASCII.test(text) ? text.toUpperCase() : mapCodePoints(text, (one) => one.toUpperCase(), SIMPLE_UPPER);
}

function mapCodePoints(text: string, full: (one: string) => string, simple: ReadonlyMap<string, string>): string {
  let mapped = '';
  for (const one of text) {
    const candidate = full(one);
    mapped += [...candidate].length === 1 ? candidate : (simple.get(one) ?? one);
  }
  return mapped;
}

/** Code points whose full mapping is longer than one but that have a simple mapping too (UnicodeData.txt). */
const SIMPLE_LOWER: ReadonlyMap<string, string> = new Map([['\u0130', 'i']]);
/** Greek small letters with iota subscript; their simple upper case is the title-case letter. */
const SIMPLE_UPPER: ReadonlyMap<string, string> = new Map([
  ...range(0x1f80, 8),
  ...range(0x1f90, 8),
  ...range(0x1fa0, 8),
  pair(0x1fb3, 9),
  pair(0x1fc3, 9),
  pair(0x1ff3, 9),
]);

function pair(code: number, distance: number): [string, string] {
  return [String.fromCodePoint(code), String.fromCodePoint(code + distance)];
}
function range(first: number, count: number): [string, string][] {
  return Array.from({ length: count }, (_, i) => pair(first + i, 8));
}
