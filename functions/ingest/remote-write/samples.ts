/** Reads the samples of a series that has nothing else behind its labels: `0x12 length [0x09 value] 0x10 time`, ascending. */
export class Samples {
  /** Of the series that was read last. */
  count = 0;
  firstMs = 0;
  lastMs = 0;
  /** Where the last one's bytes start; they end with the series. */
  lastAt = 0;
  /** Bytes of the last one's time, tag included. */
  timeLength = 0;

  /** False: `[from, to)` is something else. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    let count = 0;
    let lastMs = -1;
    for (let at = from; at < to; count++) {
      const length = bytes[at + 1] as number;
      const end = at + 2 + length;
      if (bytes[at] !== 0x12 || length >= 0x80 || end > to) return false;
      this.lastAt = at + 2;
      let next = at + 2;
      // A value of 0 is left out by senders.
      if (bytes[next] === 0x09) next += 9;
      this.timeLength = end - next;
      if (next >= end || bytes[next++] !== 0x10 || end - next > 7 || next === end) return false;
      let ms = 0;
      let scale = 1;
      for (; next < end; next++, scale *= 0x80) {
        const byte = bytes[next] as number;
        if (byte < 0x80 !== (next === end - 1)) return false;
        ms += (byte & 0x7f) * scale;
      }
      if (ms <= lastMs) return false;
      if (count === 0) this.firstMs = ms;
      lastMs = ms;
      at = end;
    }
    this.count = count;
    this.lastMs = lastMs;
    return count > 0;
  }
}
