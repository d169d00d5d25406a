import type { FamilyType } from './exposition.ts';
import { OpenTextIndex } from './open-text-index.ts';
import { isNameEnd, TextComparer } from './text-comparer.ts';
import { isClosed, type Shape } from './text-shape.ts';

/** Good scrapes in the same order before an index that was opened is closed again. */
const CALM_SCRAPES = 2;

/**
 * Finds series and metadata by the bytes of their text. A target writes the same series in the same order again and again, so
 * the text expected next is compared first, without hashing and without memory. Only text never seen needs parsing.
 *
 * Between scrapes, and in a scrape as the one before, there is nothing but a {@link Shape}. A text at another place opens it, for
 * as long as scrapes differ.
 */
export class TextIndex<T> {
  readonly #share: (shape: Shape<T>) => Shape<T>;
  #shape: Shape<T> | undefined;
  #open: OpenTextIndex<T> | undefined = new OpenTextIndex<T>();
  /** Good scrapes that brought nothing new, and how many it takes. */
  #calm = 0;
  #patience = 0;
  /** A text was at another place than before. */
  #moved = false;
  #cursor = 0;
  readonly #comparer = new TextComparer();
  /** What the text found last stands for. */
  item: T | undefined;

  /** @param share gives an equal shape that somebody else has, or the same */
  constructor(share: (shape: Shape<T>) => Shape<T> = (shape) => shape) {
    this.#share = share;
  }

  /** Texts, for limits. */
  get size(): number {
    return this.#shape?.items.length ?? this.#open?.size ?? 0;
  }

  /** Bytes held for texts. */
  get bytes(): number {
    return this.#shape?.texts.length ?? this.#open?.bytes ?? 0;
  }

  /** Undefined while scrapes differ. */
  get shape(): Shape<T> | undefined {
    return this.#shape;
  }

  /** Texts of this scrape so far; only where there is a shape. */
  get cursor(): number {
    return this.#cursor;
  }

  begin(): void {
    this.#cursor = 0;
    this.#moved = false;
    this.#open?.begin();
  }

  /** The offset behind the text expected next, if the bytes at `at` are that text, and {@link item}; else -1. */
  expected(bytes: Uint8Array, at: number, family: FamilyType): number {
    const shape = this.#shape;
    if (shape === undefined) {
      const entry = this.#open?.expected(bytes, at, family);
      if (entry === undefined) return -1;
      this.item = entry.item;
      return at + entry.length;
    }
    const cursor = this.#cursor;
    if (cursor >= shape.items.length || shape.families[cursor] !== family) return -1;
    const start = cursor === 0 ? 0 : (shape.ends[cursor - 1] as number);
    const length = (shape.ends[cursor] as number) - start;
    const end = at + length;
    if (end > bytes.length || !this.#comparer.equal(bytes, at, start, length)) return -1;
    if (!isClosed(bytes[end - 1]) && !isNameEnd(bytes, end)) return -1;
    this.#cursor = cursor + 1;
    this.item = shape.items[cursor];
    return end;
  }

  /** Whether the text is known, and {@link item}. */
  find(bytes: Uint8Array, start: number, end: number, family: FamilyType): boolean {
    this.#moved = true;
    const entry = this.#opened().find(bytes, start, end, family);
    if (entry === undefined) return false;
    this.item = entry.item;
    return true;
  }

  add(bytes: Uint8Array, start: number, end: number, family: FamilyType, item: T): void {
    this.#moved = true;
    this.#opened().add(bytes, start, end, family, item);
  }

  /** The scrape is good: its order is expected next, and texts it lacks are forgotten (returned: what they stood for). */
  commit(): T[] {
    this.#comparer.release();
    if (this.#shape !== undefined && this.#cursor === this.#shape.items.length) return [];
    const open = this.#opened();
    const gone = open.commit();
    this.#calm = this.#moved || gone.length > 0 ? 0 : this.#calm + 1;
    if (this.#calm >= this.#patience) this.#close(open);
    return gone;
  }

  /**
   * The scrape failed: forget what only it brought. Returns what that stood for. What it showed of the rest counts as seen by the next
   * good scrape, too, as in Prometheus' cache.
   */
  rollback(): T[] {
    this.#comparer.release();
    this.#calm = 0;
    return this.#opened().rollback();
  }

  clear(): void {
    this.#shape = undefined;
    this.#open = new OpenTextIndex<T>();
    this.#open.begin();
    this.#calm = 0;
    this.#patience = 0;
  }

  #opened(): OpenTextIndex<T> {
    if (this.#open !== undefined) return this.#open;
    this.#open = this.#shape === undefined ? new OpenTextIndex<T>() : OpenTextIndex.of(this.#shape, this.#cursor);
    this.#shape = undefined;
    this.#calm = 0;
    this.#patience = CALM_SCRAPES;
    return this.#open;
  }

  #close(open: OpenTextIndex<T>): void {
    const shape = open.shape();
    if (shape === undefined) return;
    this.#open = undefined;
    this.adopt(this.#share(shape));
  }

  /** Holds an equal shape in place of its own. */
  adopt(shape: Shape<T>): void {
    this.#shape = shape;
    this.#comparer.setPool(shape.texts);
  }

  /** Nothing holds the exposition between scrapes. */
  /** Compares four bytes at a time: this is where a scrape spends its time. `bytes` holds at least `length`. */
}
