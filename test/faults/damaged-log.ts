import type { LoggedScrape } from '../../agent-lite/model.ts';
import { decodeHeader, HEADER_BYTES, recordSeed } from '../../agent-lite/wal/format.ts';
import { FrameScanner, frameBytes } from '../../agent-lite/wal/frame.ts';
import type { Log } from '../../agent-lite/wal/options.ts';
import { labelValue } from '../../contract/labels.ts';
import { ManualClock } from '../fakes/clock.ts';
import { UnreliableStore } from '../fakes/unreliable-store.ts';
import { logWorld, plain, readAll } from '../fakes/wal.ts';
import { type Account, addAccounts, LossError, NOTHING } from './account.ts';
import { SERIES, scrapeOf } from './ledger.ts';
import type { Random } from './random.ts';

/** Records of a target that one damaged record may take along: a key frame comes at least so often (agent-lite/wal/FORMAT.md). */
const MOST_OF_A_TARGET = 16;

/** A log of which one segment is to be damaged, and everything that it said before. */
export interface SmallLog {
  readonly store: UnreliableStore;
  /** The segment to damage: the newest one, or one with another behind it. */
  readonly segment: string;
  readonly bytes: Uint8Array;
  readonly written: readonly LoggedScrape[];
  /** What each was, by position. */
  readonly texts: ReadonlyMap<number, string>;
  readonly followed: boolean;
  /** Of the segment, in order. */
  readonly frames: readonly FramePlace[];
  /** Of its checksums. */
  readonly seed: number;
}

export interface FramePlace {
  readonly offset: number;
  readonly bytes: number;
  readonly position: number;
  /** The record's (agent-lite/wal/format.ts). */
  readonly type: number;
}

/** `followed`: another segment lies behind it. Its size is 4 to 16 kB. */
export async function smallLog(random: Random, followed: boolean): Promise<SmallLog> {
  const world = logWorld(new ManualClock());
  const store = new UnreliableStore();
  const targets = ['a', 'b', 'c'].slice(0, random.int(1, 3));
  const segmentBytes = random.int(4096, 16_384);
  const numbers = new Map<string, number>();
  const append = async (log: Log): Promise<void> => {
    const source = random.pick(targets);
    const number = (numbers.get(source) ?? 0) + 1;
    numbers.set(source, number);
    await world.clock.advance(random.int(1, 15_000));
    await log.append(
      await scrapeOf({ source, number }, { wallMs: world.clock.now(), bootMs: world.clock.boot(), bootId: world.clock.bootId }),
    );
  };
  const log = await world.open(store, { segmentBytes: 1 << 20 });
  const [{ name: segment } = { name: '' }] = await store.now.list('wal');
  while (log.status().bytes < segmentBytes) await append(log);
  let { scrapes } = await readAll(log);
  await log.close();
  if (followed) {
    const second = await world.open(store, { segmentBytes: 1 << 20 });
    for (let i = 0; i < 20; i++) await append(second);
    ({ scrapes } = await readAll(second));
    await second.close();
  }
  const bytes = await store.now.read('wal', segment, 0, 1 << 20);
  const texts = new Map(scrapes.map((scrape) => [scrape.position, textOf(scrape)]));
  return {
    store,
    segment,
    bytes,
    written: scrapes,
    texts,
    followed,
    frames: await framesOf(bytes),
    seed: recordSeed(decodeHeader(bytes).logId),
  };
}

const textOf = (scrape: LoggedScrape): string => JSON.stringify(plain(scrape)) + scrape.chain;

async function framesOf(bytes: Uint8Array): Promise<readonly FramePlace[]> {
  const { logId, first } = decodeHeader(bytes);
  const scanner = new FrameScanner({
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    ...{ seed: recordSeed(logId), offset: HEADER_BYTES, end: bytes.length, last: first - 1, contiguous: true },
  });
  const frames: FramePlace[] = [];
  for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
    if (found.frame === undefined) throw new Error('expected a sound segment');
    const { offset, position, body } = found.frame;
    frames.push({ offset, bytes: frameBytes(found.frame), position, type: body[0] ?? 0 });
  }
  return frames;
}

export interface Damaged {
  /** For messages. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** Records may be missing behind the damage in any number: the bytes are not there. */
  readonly cut?: boolean;
  /** Of a target, records that may be missing; default {@link MOST_OF_A_TARGET}. */
  readonly most?: number;
}

/**
 * Opens a copy with the damaged segment and reads it. What is read must be what was written; what is not must be told as a gap, or,
 * at the end of the log, have been cut off and counted; and of no target may more be missing than up to its next key frame.
 */
export async function examine(
  { store, segment, written, texts, followed, frames }: SmallLog,
  { what, bytes, cut = false, most = MOST_OF_A_TARGET }: Damaged,
): Promise<Account> {
  const world = logWorld(new ManualClock());
  const copy = await store.copy();
  await copy.now.create('wal', segment, bytes, true);
  const log = await world.open(copy);
  try {
    const { scrapes, gaps } = await readAll(log);
    const { damaged, tornBytes } = log.status().counters;
    // Of an empty file there are no bytes to count, and where the last write is missing whole nothing shows that it was made.
    const traceless = bytes.length === 0 || bytes.length === HEADER_BYTES || frames.some(({ offset }) => offset === bytes.length);
    const truth = new Map(written.map((scrape) => [scrape.position, scrape]));
    const wrong = (scrape: LoggedScrape, why: string): never => {
      const series = `ledger_value{instance="${labelValue(scrape.target, 'instance')}"} of ${new Date(scrape.wallMs).toISOString()}`;
      throw new LossError(`${what}: ${series}, position ${scrape.position}: ${why}`, { ...NOTHING, lost: SERIES });
    };
    let last = 0;
    for (const scrape of scrapes) {
      const was = truth.get(scrape.position);
      if (scrape.position <= last) wrong(scrape, 'out of order');
      if (was === undefined) wrong(scrape, 'was never written, or is read twice');
      else if (texts.get(scrape.position) !== textOf(scrape)) wrong(scrape, 'reads as another');
      truth.delete(scrape.position);
      last = scrape.position;
    }
    const ofTarget = new Map<string, number>();
    for (const scrape of truth.values()) {
      const told = gaps.some(({ from, to }) => from <= scrape.position && scrape.position <= to);
      const atEnd = !followed && scrape.position > last && (tornBytes > 0 || (cut && traceless));
      if (!told && !atEnd) wrong(scrape, 'missing, and nothing tells so');
      if (told && damaged === 0) wrong(scrape, 'missing, and not counted');
      const source = labelValue(scrape.target, 'instance');
      const missing = (ofTarget.get(source) ?? 0) + 1;
      ofTarget.set(source, missing);
      if (!cut && missing > most) wrong(scrape, `the ${missing}th record of its target that is missing`);
    }
    const bounded = truth.size * SERIES;
    return { ...NOTHING, scraped: written.length * SERIES, delivered: scrapes.length * SERIES, bounded };
  } finally {
    await log.close();
  }
}

/** Of every case; a short round takes every `stride`-th of them, beginning anywhere. */
export async function examineAll(log: SmallLog, cases: Iterable<Damaged>, stride: number, random: Random): Promise<Account> {
  let account = NOTHING;
  let skip = random.int(0, stride - 1);
  for (const one of cases) {
    if (skip-- > 0) continue;
    skip = stride - 1;
    account = addAccounts(account, await examine(log, one));
  }
  return account;
}
