/** What a simulation is made of. Times are ms. What the platform and the network cost is assumed; the rest is settings. */
export interface SimOptions {
  readonly devices: number;
  readonly series: number;
  readonly scrapeMs: number;
  readonly pushMs: number;
  /** How long nobody reaches the edge. */
  readonly outageMs: number;
  readonly shards: number;
  readonly lanes: number;
  /** The receiver's out-of-order window. 0: one lane, and one shard. */
  readonly windowMs: number;
  readonly commitIntervalMs: number;
  readonly maxBufferBytes: number;
  /** Compressed bytes of a sample as remote write; facts of a batch of 1000 series x 4. */
  readonly blockBytesPerSample: number;
  readonly rawBytesPerSample: number;
  /** Of a device's link: there and back, and bytes a second up. */
  readonly linkMs: number;
  readonly linkBytesPerSecond: number;
  /** Bytes of a sample on that link. */
  readonly linkBytesPerSample: number;
  /** Time of the shard's thread for one push: 2 ms are 500 pushes a second. */
  readonly serviceMs: number;
  /** A call that would wait longer for the thread is refused. */
  readonly overloadMs: number;
  /** For what a shard holds, bytes; default as in production. */
  readonly isolateBytes?: number;
  readonly storeMs: number;
  readonly storeBytesPerSecond: number;
  readonly receiverMs: number;
  readonly receiverSamplesPerSecond: number;
  /** The simulation ends when all is delivered, or this long after the outage. */
  readonly limitMs: number;
  readonly seed: number;
}

export const defaultSim: SimOptions = {
  devices: 10_000,
  series: 100,
  scrapeMs: 15_000,
  pushMs: 60_000,
  outageMs: 1_800_000,
  shards: 4,
  lanes: 4,
  windowMs: 7_200_000,
  commitIntervalMs: 1000,
  maxBufferBytes: 10 * 1024 ** 3,
  blockBytesPerSample: 18.5,
  rawBytesPerSample: 77,
  linkMs: 100,
  linkBytesPerSecond: 125_000,
  linkBytesPerSample: 3,
  serviceMs: 2,
  overloadMs: 5_000,
  storeMs: 100,
  storeBytesPerSecond: 50e6,
  receiverMs: 200,
  receiverSamplesPerSecond: 1e6,
  limitMs: 3_600_000,
  seed: 1,
};
