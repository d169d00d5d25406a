import { crc32c } from '../../contract/crc32c.ts';

/**
 * Small files are two lines: JSON for people, and the CRC32C of that line in hex. A file that was torn, or edited without
 * care, reads as absent; each of them can be done without.
 */
export function encodeSmallFile(value: unknown): Uint8Array<ArrayBuffer> {
  const json = JSON.stringify(value);
  return new TextEncoder().encode(`${json}\n${checksum(json)}\n`);
}

export function decodeSmallFile(bytes: Uint8Array): unknown {
  const [json, sum] = new TextDecoder().decode(bytes).split('\n');
  if (json === undefined || sum !== checksum(json)) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const checksum = (text: string): string => crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0');

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
export const isPosition = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
