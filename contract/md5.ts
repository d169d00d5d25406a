/**
 * MD5 (RFC 1321), for `hashmod` only: Prometheus fixed the hash long ago, and equal results decide which target goes where.
 * Not for anything that must withstand an attacker.
 */

/** Left rotations of the four rounds, four steps each (section 3.4). */
const ROTATIONS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;
/** floor(2^32 * |sin(i)|), i = 1..64, in radians. */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);
const BLOCK = 64;

/** @returns 16 bytes */
export function md5(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(pad(message).buffer);
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  for (let at = 0; at < view.byteLength; at += BLOCK) addBlock(state, view, at);
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((word, i) => {
    digest.setInt32(4 * i, word, true);
  });
  return new Uint8Array(digest.buffer);
}

/** A one bit, zeros, and the length in bits as 64-bit little-endian, to a whole number of blocks. */
function pad(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK) * BLOCK);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, (message.length * 8) % 2 ** 32, true);
  view.setUint32(padded.length - 4, Math.floor((message.length * 8) / 2 ** 32), true);
  return padded;
}

function addBlock(state: Int32Array, view: DataView, at: number): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let i = 0; i < BLOCK; i++) {
    const round = i >> 4;
    const [mixed, word] = step(round, i, b, c, d);
    const sum = (a + mixed + (SINES[i] as number) + view.getInt32(at + 4 * word, true)) | 0;
    const rotation = ROTATIONS[round]?.[i % 4] as number;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << rotation) | (sum >>> (32 - rotation)))) | 0;
  }
  [a, b, c, d].forEach((value, i) => {
    state[i] = ((state[i] as number) + value) | 0;
  });
}

/** The round's function of b, c, d, and which word of the block it takes. */
function step(round: number, i: number, b: number, c: number, d: number): readonly [mixed: number, word: number] {
  if (round === 0) return [(b & c) | (~b & d), i];
  if (round === 1) return [(d & b) | (~d & c), (5 * i + 1) % 16];
  if (round === 2) return [b ^ c ^ d, (3 * i + 5) % 16];
  return [c ^ (b | ~d), (7 * i) % 16];
}
