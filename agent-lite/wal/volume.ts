import { type LogId, NO_CHAIN, type Point, type Position } from '../../contract/push.ts';
import { CURSORS_FILE, type Cursors } from './cursors.ts';
import { encodeHeader, LOG_SEGMENT, segmentName } from './format.ts';
import type { Journal } from './journal.ts';
import { isFull } from './limits.ts';
import { MemoryStore } from './memory-store.ts';
import type { Settings } from './options.ts';
import { BLOCK, Reservation } from './positions.ts';
import { Retention } from './retention.ts';
import { isEmpty, newSegment, type Segment, SegmentIndex, summarize } from './segment.ts';
import { Segments } from './segments.ts';
import { SetAsideFiles } from './set-aside.ts';
import { readStart } from './start.ts';
import { type SegmentStore, StoreError } from './store.ts';
import { Unsynced } from './unsynced.ts';
import { type Plan, SegmentWriter } from './writer.ts';

/** Segments removed for one write that finds the disk full; then the log goes on in memory. */
const MAX_EVICTIONS_PER_WRITE = 3;

/**
 * The segments of an open log and where they lie: on the disk, or, while that fails, in memory behind those on the disk.
 * Its methods are called one at a time.
 */
export class Volume {
  readonly segments = new Segments();
  readonly #settings: Settings;
  readonly #disk: SegmentStore;
  readonly #journal: Journal;
  readonly #cursors: Cursors;
  readonly #onFailure: () => void;
  readonly #aside = new SetAsideFiles();
  readonly #retention: Retention;
  #memory: { readonly store: MemoryStore; readonly reason: string } | undefined;
  #logId: LogId = '';
  #head: Point = { position: 0, chain: NO_CHAIN };
  readonly #positions = new Reservation();
  #writer: SegmentWriter | undefined;
  #activeSinceMs = 0;
  readonly #dirty = new Unsynced(this.segments);
  #cursorsDirty = false;
  #locked = false;

  /** `onFailure`: the disk has failed; {@link returnToDisk} is to be called from time to time. */
  constructor(settings: Settings, journal: Journal, cursors: Cursors, onFailure: () => void) {
    this.#settings = settings;
    this.#disk = settings.store;
    this.#journal = journal;
    this.#cursors = cursors;
    this.#onFailure = onFailure;
    this.#retention = new Retention(settings, journal, cursors, this.segments, this.#aside);
  }

  get logId(): LogId {
    return this.#logId;
  }
  get head(): Point {
    return this.#head;
  }
  /** Why the log is in memory; undefined: it is not. */
  get failure(): string | undefined {
    return this.#memory?.reason;
  }
  /** Appended, and not yet proof against a power cut. */
  get unsyncedBytes(): number {
    return this.#dirty.bytes;
  }
  /** Whether {@link sync} has anything to do. */
  get dirty(): boolean {
    return this.#dirty.size > 0 || this.#cursorsDirty;
  }
  get setAside(): { readonly files: number; readonly bytes: number } {
    return { files: this.#aside.count, bytes: this.#aside.bytes(this.#disk) + this.#aside.bytes(this.#memory?.store) };
  }
  wasEvicted(from: Position, to: Position): boolean {
    return this.#retention.wasEvicted(from, to);
  }

  /** Rejects with `LogLockedError`, or with {@link StoreError} where the store cannot be read. */
  async open(): Promise<void> {
    try {
      await this.#disk.lock();
      this.#locked = true;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#journal.writeError(error);
    }
    try {
      await this.#load();
    } catch (error) {
      await this.#release();
      throw error;
    }
  }

  async #load(): Promise<void> {
    const disk = this.#disk;
    await this.#aside.load(disk);
    const { segments, empty, unreadable, logId, head, first } = await readStart(
      disk,
      this.#journal,
      this.#cursors,
      this.#settings.randomBytes,
    );
    for (const segment of segments) this.segments.add(segment);
    this.#logId = logId;
    this.#head = head;
    const newest = this.segments.newest();
    this.#positions.through = first - 1;
    await this.try(async () => {
      // A process that was killed may have left it to the kernel.
      if (newest !== undefined && this.#settings.sync !== 'never') await disk.sync(newest.name);
      await this.#positions.reserve(disk, this.#logId, first);
      await this.#startSegment(disk, this.#logId, first, true);
    }, first);
    for (const { name, bytes } of unreadable) await this.#moveAside(name, bytes);
    const kept = new Set(this.segments.all().map(({ name }) => name));
    for (const name of empty) if (!kept.has(name)) await this.#retention.removeFile(disk, 'wal', name);
    await this.#makeRoom(0);
  }

  get active(): Segment {
    const active = this.segments.newest();
    if (active === undefined) throw new Error('the log is not open');
    return active;
  }

  /** Writes what `plan` makes of the active segment's writer, wherever that is possible. */
  async append(plan: (writer: SegmentWriter) => Plan | Promise<Plan>): Promise<void> {
    for (;;) {
      const active = this.segments.newest();
      if (active === undefined || this.#writer === undefined) throw new Error('append: the log is not open');
      const records = await plan(this.#writer);
      if (isFull(active, records.bytes.length, this.#activeSinceMs, this.#settings, this.#memory !== undefined)) {
        await this.#rotate();
        continue;
      }
      await this.#makeRoom(records.bytes.length);
      if (!(await this.try(() => this.#write(active, records)))) continue;
      this.#dirty.note(active);
      records.commit();
      this.#journal.exemplarsDropped(records.droppedExemplars);
      this.#head = records.to;
      return;
    }
  }

  async #write(active: Segment, { to, bytes }: Plan): Promise<void> {
    await this.#positions.reserve(active.store, this.#logId, to.position);
    await active.store.append(active.name, active.bytes, bytes);
  }

  async #rotate(): Promise<void> {
    const { active } = this;
    const durable = this.#settings.sync !== 'never';
    if (durable && !(await this.#syncSegment(active))) return;
    await this.try(() => this.#startSegment(active.store, this.#logId, this.#nextPosition(), durable));
  }

  /** The log goes on under another name, durably. */
  async fork(logId: LogId): Promise<void> {
    await this.#syncSegment(this.active);
    await this.try(() => this.#startSegment(this.#store(), logId, this.#nextPosition(), true));
    // Where that failed, the log in memory was started under the old name.
    if (this.#logId !== logId) await this.#startSegment(this.#store(), logId, this.#nextPosition(), true);
    await this.try(() => this.#positions.write(this.#store(), logId, this.#positions.through));
    await this.saveCursors(true);
  }

  async #startSegment(store: SegmentStore, logId: LogId, first: Position, durable: boolean): Promise<void> {
    const last = this.segments.newest();
    const empty = last !== undefined && isEmpty(last) ? last : undefined;
    const closed = this.segments.all().filter((segment) => segment !== empty);
    const previous = closed[closed.length - 1];
    const header = { kind: LOG_SEGMENT, logId, first, before: this.#head, previous: previous && summarize(previous) } as const;
    const name = segmentName(first);
    await store.create('wal', name, encodeHeader({ ...header, createdMs: this.#settings.clock.now() }), durable);
    if (empty !== undefined) {
      this.segments.remove(empty);
      if (empty.name !== name) await this.#retention.removeFile(empty.store, 'wal', empty.name);
    }
    // The index of the one just closed stays until its reader has passed; older ones are made anew when they are read.
    for (const segment of closed) if (segment !== previous) segment.index = undefined;
    const segment = newSegment(store, header);
    segment.index = new SegmentIndex();
    this.segments.add(segment);
    this.#logId = logId;
    this.#writer = new SegmentWriter(segment, this.#head, this.#settings.compression);
    this.#activeSinceMs = this.#settings.clock.boot();
  }

  #nextPosition(): Position {
    return (this.segments.newest()?.last ?? this.#head.position) + 1;
  }

  /** False where the log had to go on in memory: the caller begins again. `first`: of a log that has no segment yet. */
  async try(action: () => Promise<void>, first = this.#nextPosition()): Promise<boolean> {
    for (let evictions = 0; ; ) {
      try {
        await action();
        return true;
      } catch (error) {
        if (!(error instanceof StoreError) || this.#memory !== undefined) throw error;
        this.#journal.writeError(error);
        if (
          error.reason === 'full' &&
          evictions++ < MAX_EVICTIONS_PER_WRITE &&
          (await this.#retention.evictOldest(this.#disk, 'disk full'))
        )
          continue;
        await this.#goOnInMemory(error, first);
        return false;
      }
    }
  }

  async #goOnInMemory(error: StoreError, first: Position): Promise<void> {
    const store = new MemoryStore();
    this.#memory = { store, reason: error.message };
    await this.#startSegment(store, this.#logId, first, false);
    this.#journal.log('error', 'the log goes on in memory until its disk works again', { err: error.message });
    this.#onFailure();
  }

  /** True where the log is on its disk (again), with all that was appended meanwhile. */
  async returnToDisk(): Promise<boolean> {
    const memory = this.#memory?.store;
    if (memory === undefined) return true;
    const inMemory = this.segments.all().filter(({ store }) => store === memory);
    try {
      if (!this.#locked) await this.#disk.lock();
      this.#locked = true;
      await this.#positions.write(this.#disk, this.#logId, this.#nextPosition() + BLOCK - 1);
      await this.#dirty.syncOn(this.#disk);
      for (const { name, bytes } of inMemory) await this.#disk.create('wal', name, await memory.read('wal', name, 0, bytes), true);
      await this.#aside.copy(memory, this.#disk);
      await this.#disk.replaceFile(CURSORS_FILE, this.#cursors.encode(this.#logId), true);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#journal.writeError(failure);
      if (error instanceof StoreError && error.reason === 'full') await this.#retention.evictOldest(this.#disk, 'disk full');
      return false;
    }
    for (const segment of inMemory) segment.store = this.#disk;
    this.#aside.moved(memory, this.#disk);
    this.#memory = undefined;
    this.#dirty.clear();
    this.#cursorsDirty = false;
    this.#journal.log('info', 'the log is on its disk again', { segments: inMemory.length });
    await this.#makeRoom(0);
    return true;
  }

  /** Makes all of it durable; while the disk fails, nothing. */
  async sync(): Promise<void> {
    for (const segment of this.#dirty.segments()) if (!(await this.#syncSegment(segment))) return;
    if (this.#cursorsDirty) await this.saveCursors(true);
  }

  /** False where the log has to begin again in memory. */
  async #syncSegment(segment: Segment): Promise<boolean> {
    if (this.#memory === undefined && this.segments.has(segment) && !(await this.try(() => segment.store.sync(segment.name)))) return false;
    if (this.#memory === undefined) this.#dirty.delete(segment);
    return true;
  }

  /** Not durable: safe when the process is killed, and written down for good with the next {@link sync}. */
  async saveCursors(durable: boolean): Promise<void> {
    this.#cursorsDirty = true;
    if (this.#memory !== undefined) return;
    const saved = await this.try(() => this.#disk.replaceFile(CURSORS_FILE, this.#cursors.encode(this.#logId), durable));
    if (saved && durable) this.#cursorsDirty = false;
  }

  /** Removes closed segments that every receiver has acknowledged, and those that are too old. */
  async removeDone(): Promise<void> {
    // First the cursors: without them the edge would be told of a gap where there is none.
    if (this.#cursorsDirty && this.#retention.acknowledged().length > 0) await this.saveCursors(true);
    // Segments on a disk that fails stay listed, and are removed when it is back.
    const done = this.#retention.acknowledged().filter(({ store }) => store === this.#store());
    for (const segment of done) if (await this.#retention.removeFile(segment.store, 'wal', segment.name)) this.segments.remove(segment);
    await this.#retention.removeExpired();
  }

  async #makeRoom(more: number): Promise<void> {
    const { limitBytes, memoryLimitBytes } = this.#settings;
    await this.#retention.makeRoom(this.#store(), this.#memory === undefined ? limitBytes : memoryLimitBytes, more);
  }

  async keepAside(name: string, bytes: Uint8Array): Promise<void> {
    await this.#makeRoom(bytes.length);
    const write = (): Promise<void> => this.#store().create('set-aside', name, bytes, true);
    if (!(await this.try(write))) await write();
    this.#aside.add({ name, bytes: bytes.length }, this.#store());
  }

  /** A file that cannot be read as a segment is kept as it is. */
  async #moveAside(name: string, length: number): Promise<void> {
    try {
      const bytes = await this.#disk.read('wal', name, 0, length);
      this.#journal.log('error', 'a file is not a segment of this log; it is set aside', { file: name, bytes: length });
      await this.keepAside(name, bytes);
      if (this.#memory === undefined) await this.#retention.removeFile(this.#disk, 'wal', name);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#journal.log('error', 'a file is not a segment of this log, and cannot be set aside', { file: name, err: error.message });
    }
  }

  /** A segment's file has gone. Rejects where the whole place seems to be gone. */
  async forgetLost(segment: Segment): Promise<void> {
    try {
      const entries = await segment.store.list('wal');
      if (!this.segments.has(segment) || entries.some(({ name }) => name === segment.name)) return;
    } catch (error) {
      // The lock may have gone with the rest.
      this.#locked = false;
      if (error instanceof StoreError && this.#memory === undefined) await this.#goOnInMemory(error, this.#nextPosition());
      throw error;
    }
    this.#journal.damaged(segment, 0, 'the file is gone');
    if (segment === this.active) await this.#rotate();
    this.segments.remove(segment);
  }

  async close(): Promise<void> {
    if (!(await this.returnToDisk())) this.#journal.log('error', 'the log was in memory: what it held is lost', { err: this.failure });
    await this.sync();
    if (this.#memory === undefined) await this.saveCursors(true);
    await this.#release();
  }

  async #release(): Promise<void> {
    try {
      if (this.#locked) await this.#disk.unlock();
      await this.#disk.close();
    } catch (error) {
      this.#journal.log('warn', 'cannot let go of the log', { err: String(error) });
    }
    this.#locked = false;
  }

  #store(): SegmentStore {
    return this.#memory?.store ?? this.#disk;
  }
}
