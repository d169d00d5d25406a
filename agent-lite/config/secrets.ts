import { isAbsolute, join } from 'node:path/posix';
import { type Decoder, expected, type Failed, fail, nonEmptyString, type Place, placeOf, refine } from '../../contract/yaml/decode.ts';
import type { SecretSource } from './types.ts';

/** A file's path; relative ones are taken from the folder of the configuration file. */
export const filePath = (baseDir: string): Decoder<string> =>
  refine(nonEmptyString, (path) => (isAbsolute(path) ? path : join(baseDir, path)));

/** Text of an HTTP header. Never part of a message, since it may be a secret. */
export const headerText: Decoder<string> = refine(nonEmptyString, (text, place) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a line end here would let the value add headers of its own
  /[\0-\x08\x0a-\x1f\x7f]/.test(text) ? expected(place, 'text without control characters', 'some') : text,
);

export const inlineSecret: Decoder<SecretSource> = refine(headerText, (value) => ({ kind: 'inline', value }));
/** Of several lines. */
export const inlineText: Decoder<SecretSource> = refine(nonEmptyString, (value) => ({ kind: 'inline', value }));
export const secretFile = (baseDir: string): Decoder<SecretSource> => refine(filePath(baseDir), (path) => ({ kind: 'file', path }));

/** A secret is given inline, in a file, or not at all; `key_file` beside `key` is reported. */
export function oneSource(
  place: Place,
  key: string,
  inline: SecretSource | undefined,
  file: SecretSource | undefined,
): SecretSource | undefined | Failed {
  if (inline !== undefined && file !== undefined)
    return fail(placeOf(place, `${key}_file`), `expected one of ${key} and ${key}_file, got both`);
  return inline ?? file;
}
