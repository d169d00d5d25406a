import type { LoggedScrape } from '../../../agent-lite/model.ts';
import { HEADER_BYTES, recordSeed } from '../../../agent-lite/wal/format.ts';
import { FRAME_HEAD_BYTES } from '../../../agent-lite/wal/frame.ts';
import { ByteReader, ByteWriter, FormatError } from '../../../contract/binary.ts';
import { crc32c } from '../../../contract/crc32c.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { logWorld, numbered, plain, type ReadBack, readAll, tableOf, targetOf } from '../../fakes/wal.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import type { Random } from '../random.ts';
import { type FuzzTarget, must, mustEqual, orRefusal } from '../target.ts';

type Files = readonly (readonly [name: string, bytes: Uint8Array])[];

/** Files of a log, in one input. `forged`: checksums were made right again, so that records say what was never written. */
interface Folder {
  readonly forged: boolean;
  readonly files: Files;
  /**
   * The files as they were written, packed: an input that was kept tells by itself what is true of it, whatever the writer of today writes.
   * No two logs are mixed, since they have one log_id here, which no two real ones have: each other's blocks would pass for records.
   */
  readonly original: Uint8Array;
}

const SMALL_FILES = ['cursors.json', 'positions.json'];
const LOG_ID = '5b'.repeat(16);
const RECORDS = 24;

/** Made once, always the same. */
const made = makeLog();

export const log: FuzzTarget = {
  name: 'log',
  promise:
    'a log opens whatever is in its files, reads no value that was not written unless its checksum was forged, misses nothing in silence, takes new scrapes, and gives what it gave when it is opened again',
  async seeds() {
    const { files, original } = await made;
    return [pack({ forged: false, files, original }), pack({ forged: true, files, original })];
  },
  mutate(input, other, random) {
    const folder = unpack(input);
    if (folder === undefined) return mutateBytes(input, other, random);
    const files = [...folder.files];
    const at = random.below(files.length);
    const [name, bytes] = files[at] ?? ['0', new Uint8Array(0)];
    // What was forged somewhere is forged here.
    const from = unpack(other);
    const fits = from !== undefined && from.forged === folder.forged && sameBytes(from.original, folder.original);
    const otherBytes = random.pick(fits ? from.files : files)[1];
    const segment = !SMALL_FILES.includes(name);
    if (random.chance(0.05)) files.splice(at, 1);
    else files[at] = [name, folder.forged && segment ? forge(bytes, otherBytes, random) : mutateBytes(bytes, otherBytes, random)];
    return pack({ ...folder, files });
  },
  async check(input) {
    const folder = unpack(input);
    if (folder === undefined) return 'refused';
    const world = logWorld(new ManualClock());
    const store = await storeOf(folder);
    const opened = await world.open(store);
    const got = await readAll(opened);
    inOrder(got);
    if (!folder.forged) genuine(got, await writtenIn(folder.original));
    const head = opened.head().position;
    const scrape = numbered(1, world.clock, targetOf('z:1'), await tableOf('a', 'b'));
    const point = await opened.append(scrape);
    must(point.position > head, `a new record at ${point.position}, the log ended at ${head}`);
    await opened.close();
    const again = await world.open(store);
    const second = await readAll(again);
    await again.close();
    inOrder(second);
    const last = second.scrapes.at(-1);
    must(last?.position === point.position, `the new record ${point.position} is not the last one: ${last?.position}`);
    if (last !== undefined) mustEqual(plain(last), plain(scrape), 'the new record');
    // A file that was set aside takes its summary of the one before along: that one is then read whole, and may give more.
    const read = new Map(second.scrapes.map((one) => [one.position, plain(one)]));
    for (const one of got.scrapes) mustEqual(read.get(one.position), plain(one), `opened again, record ${one.position}`);
    return got.scrapes.length === 0 ? 'refused' : 'accepted';
  },
};

function inOrder({ entries }: ReadBack): void {
  let last = 0;
  for (const entry of entries) {
    const [from, to] = entry.kind === 'scrape' ? [entry.scrape.position, entry.scrape.position] : [entry.gap.from, entry.gap.to];
    must(from > last && to >= from, `${entry.kind} ${from}..${to} after ${last}`);
    last = to;
  }
}

/** No wrong value, and nothing missing in silence before the last record that is there. */
function genuine(got: ReadBack, written: readonly LoggedScrape[]): void {
  const truth = new Map(written.map((scrape) => [scrape.position, scrape]));
  for (const scrape of got.scrapes) {
    const original = truth.get(scrape.position);
    must(original !== undefined, `record ${scrape.position} was never written`);
    if (original === undefined) continue;
    mustEqual(plain({ ...scrape, metadata: undefined }), plain({ ...original, metadata: undefined }), `record ${scrape.position}`);
    truth.delete(scrape.position);
  }
  const last = got.scrapes.at(-1)?.position ?? 0;
  const first = got.entries[0];
  const from = first?.kind === 'scrape' ? first.scrape.position : (first?.gap.from ?? 0);
  for (const position of truth.keys()) {
    if (position > last || position < from) continue;
    must(
      got.gaps.some((gap) => gap.from <= position && position <= gap.to),
      `record ${position} is missing in silence`,
    );
  }
}

async function makeLog(): Promise<{ files: Files; original: Uint8Array; written: readonly LoggedScrape[] }> {
  const world = logWorld(new ManualClock());
  const store = new UnreliableStore();
  const options = { randomBytes: (count: number) => Uint8Array.from({ length: count }, () => 0x5b), segmentBytes: 1200 };
  const tables = [await tableOf('a', 'b'), await tableOf('a', 'b', 'c', 'd')] as const;
  const log = await world.open(store, options);
  for (let n = 1; n <= RECORDS; n++) {
    await world.clock.advance(1000);
    const scrape = numbered(n, world.clock, targetOf(`${'xy'[n % 2]}:1`), n % 6 < 4 ? tables[0] : tables[1]);
    const exemplars = n % 4 === 0 ? [{ row: 0, labels: [['trace', 'x'] as const], value: n, ms: undefined }] : [];
    const metadata = n <= 2 ? [{ family: 'a', type: 'counter' as const, help: 'Help.', unit: '' }] : undefined;
    await log.append({ ...scrape, exemplars, metadata });
    if (n === 3) await log.moveCursor('edge', log.head());
  }
  const { scrapes: written } = await readAll(log);
  await log.close();
  const files: [string, Uint8Array][] = [];
  for (const { name, bytes } of await store.now.list('wal')) files.push([name, await store.now.read('wal', name, 0, bytes)]);
  for (const name of SMALL_FILES) {
    const bytes = await store.now.readFile(name);
    if (bytes !== undefined) files.push([name, bytes]);
  }
  return { files, original: packFiles(files), written };
}

async function writtenIn(original: Uint8Array): Promise<readonly LoggedScrape[]> {
  const today = await made;
  if (sameBytes(original, today.original)) return today.written;
  const log = await logWorld(new ManualClock()).open(await storeOf({ files: unpackFiles(original) }));
  const { scrapes } = await readAll(log);
  await log.close();
  must(scrapes.length === RECORDS, `the log as it was written: expected ${RECORDS} scrapes, read ${scrapes.length}`);
  return scrapes;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

async function storeOf({ files }: Pick<Folder, 'files'>): Promise<UnreliableStore> {
  const store = new UnreliableStore();
  for (const [name, bytes] of files) {
    if (SMALL_FILES.includes(name)) await store.replaceFile(name, Uint8Array.from(bytes), true);
    else await store.create('wal', name, Uint8Array.from(bytes), true);
  }
  return store;
}

/** Changes the body of one record, or the order of records, and makes the checksums right again. */
function forge(segment: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const seed = recordSeed(LOG_ID);
  const frames: { head: Uint8Array; body: Uint8Array }[] = [];
  for (let at = HEADER_BYTES; at + FRAME_HEAD_BYTES < segment.length; ) {
    const length = new DataView(segment.buffer, segment.byteOffset + at, 4).getUint32(0, true);
    const end = at + FRAME_HEAD_BYTES + length;
    if (length < 1 || end > segment.length) break;
    frames.push({ head: segment.slice(at, at + FRAME_HEAD_BYTES), body: segment.slice(at + FRAME_HEAD_BYTES, end) });
    at = end;
  }
  const frame = frames[random.below(frames.length)];
  if (frame !== undefined) {
    if (random.chance(0.8)) frame.body = mutateBytes(frame.body, random.chance(0.5) ? random.pick(frames).body : other, random);
    else if (random.chance(0.5)) frame.head = mutateBytes(frame.head, frame.head, random).slice(0, FRAME_HEAD_BYTES);
    else frames.splice(random.below(frames.length), 1);
  }
  const writer = new ByteWriter();
  writer.raw(segment.subarray(0, HEADER_BYTES));
  for (const { head, body } of frames) {
    const whole = new Uint8Array(FRAME_HEAD_BYTES);
    whole.set(head);
    const view = new DataView(whole.buffer);
    view.setUint32(0, body.length, true);
    view.setUint32(20, crc32c(body, crc32c(whole.subarray(0, 20), seed)), true);
    writer.raw(whole);
    writer.raw(body);
  }
  return writer.bytes();
}

function pack({ forged, files, original }: Folder): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(forged ? 1 : 0);
  writer.u32(crc32c(original));
  writer.block(original);
  writer.block(packFiles(files));
  return writer.bytes();
}

/** Undefined where the container itself is broken, which says nothing about a log. */
function unpack(input: Uint8Array): Folder | undefined {
  const reader = new ByteReader(input);
  return orRefusal(
    () => {
      const forged = reader.u8() === 1;
      const crc = reader.u32();
      const original = reader.block();
      if (crc32c(original) !== crc) throw new FormatError('the log as it was written: checksum does not match');
      return { forged, original, files: unpackFiles(reader.block()) };
    },
    (error) => error instanceof FormatError,
  );
}

function packFiles(files: Files): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(files.length);
  for (const [name, bytes] of files) {
    writer.string(name);
    writer.block(bytes);
  }
  return writer.bytes();
}

/** Throws FormatError. */
function unpackFiles(packed: Uint8Array): Files {
  const reader = new ByteReader(packed);
  const files: [string, Uint8Array][] = [];
  for (let left = Math.min(reader.varint(), 100); left > 0; left--) files.push([reader.string(), reader.block()]);
  return files;
}
