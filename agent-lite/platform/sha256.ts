/**
 * SHA-256 (FIPS 180-4). An agent hashes a table when a target's series change, some 50 kB once in a while: node:crypto and the OpenSSL
 * behind it would stay in memory for that, 3 to 4 MB.
 */

const BLOCK = 64;
const PRIMES = firstPrimes(64);
/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
const CONSTANTS = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
/** The same of the square roots of the first eight (section 5.3.3). */
const FIRST_STATE = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/** @returns 32 bytes */
export function sha256(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const state = FIRST_STATE.slice();
  const words = new Int32Array(BLOCK);
  const whole = message.length - (message.length % BLOCK);
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  for (let at = 0; at < whole; at += BLOCK) addBlock(state, words, view, at);
  const end = new DataView(lastBlocks(message.subarray(whole), message.length).buffer);
  for (let at = 0; at < end.byteLength; at += BLOCK) addBlock(state, words, end, at);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => {
    digest.setInt32(4 * i, word);
  });
  return new Uint8Array(digest.buffer);
}

/** What is left of the message, a one bit, zeros, and its length in bits as 64-bit big-endian (section 5.1.1). */
function lastBlocks(rest: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const blocks = new Uint8Array(rest.length + 9 > BLOCK ? 2 * BLOCK : BLOCK);
  blocks.set(rest);
  blocks[rest.length] = 0x80;
  const view = new DataView(blocks.buffer);
  view.setUint32(blocks.length - 8, Math.floor((length * 8) / 2 ** 32));
  view.setUint32(blocks.length - 4, (length * 8) % 2 ** 32);
  return blocks;
}

/** Section 6.2.2. */
function addBlock(state: Int32Array, words: Int32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < BLOCK; i++) {
    const early = words[i - 15] as number;
    const late = words[i - 2] as number;
    const mixed = (turned(early, 7) ^ turned(early, 18) ^ (early >>> 3)) + (turned(late, 17) ^ turned(late, 19) ^ (late >>> 10));
    words[i] = ((words[i - 16] as number) + (words[i - 7] as number) + mixed) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < BLOCK; i++) {
    const chosen = (e & f) ^ (~e & g);
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + chosen + (CONSTANTS[i] as number) + (words[i] as number)) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => {
    state[i] = ((state[i] as number) + value) | 0;
  });
}

/** To the right. */
function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** Its first 32 bits. */
function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}

function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let number = 2; primes.length < count; number++) if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  return primes;
}
