import type { Page } from 'playwright-core';
import { type Area, type Entry, LogLockedError, type SegmentStore, StoreError, type StoreFailure } from '../../../agent-lite/wal/store.ts';
import type { StoreSettings } from '../page/stores.ts';
import { inPage } from './chromium.ts';

/** A store in a page of a real browser, as if it were here: so it runs the same contract suite as the others. */
export class RemoteStore implements SegmentStore {
  readonly #page: Page;
  /** Of the store in its page. */
  readonly id: Promise<number>;

  constructor(page: Page, settings: StoreSettings) {
    this.#page = page;
    this.id = inPage(page, 'stores', 'openStore', settings);
  }

  lock = (): Promise<void> => this.#call('lock');
  unlock = (): Promise<void> => this.#call('unlock');
  list = (area: Area): Promise<readonly Entry[]> => this.#call('list', area);
  create = (area: Area, name: string, bytes: Uint8Array, durable: boolean): Promise<void> =>
    this.#call('create', area, name, bytes, durable);
  append = (name: string, at: number, bytes: Uint8Array): Promise<void> => this.#call('append', name, at, bytes);
  sync = (name: string): Promise<void> => this.#call('sync', name);
  read = (area: Area, name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> =>
    this.#call('read', area, name, offset, length);
  truncate = (name: string, length: number): Promise<void> => this.#call('truncate', name, length);
  remove = (area: Area, name: string): Promise<void> => this.#call('remove', area, name);
  readFile = (name: string): Promise<Uint8Array<ArrayBuffer> | undefined> => this.#call('readFile', name);
  replaceFile = (name: string, bytes: Uint8Array, durable: boolean): Promise<void> => this.#call('replaceFile', name, bytes, durable);
  close = (): Promise<void> => this.#call('close');
  deletions = async (): Promise<number> => inPage(this.#page, 'stores', 'deletionsOf', await this.id);

  async #call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    const called = await inPage(this.#page, 'stores', 'callStore', await this.id, method, args);
    if ('value' in called) return called.value as T;
    const { name, reason, message } = called.error;
    throw name === 'LogLockedError' ? new LogLockedError(message) : new StoreError((reason ?? 'failed') as StoreFailure, message);
  }
}
