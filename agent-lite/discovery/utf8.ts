/** Throws where the bytes are no UTF-8: a label with replacement characters would be another label. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error('expected UTF-8 text', { cause });
  }
}
