import { OPEN, SPACE, TAB } from './lexer.ts';

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** Compares texts of an exposition with those of a pool, four bytes at a time. */
export class TextComparer {
  #pool: Uint8Array = NO_BYTES;
  #poolView: DataView = NO_VIEW;
  /** Compared last, and a view of it. */
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = NO_VIEW;

  setPool(pool: Uint8Array): void {
    this.#pool = pool;
    this.#poolView = viewOf(pool);
  }

  /** Lets go of the exposition. */
  release(): void {
    this.#bytes = NO_BYTES;
    this.#view = NO_VIEW;
  }

  /** Whether both hold the same `length` bytes from `start` and `poolStart` on, which must be there. */
  equal(bytes: Uint8Array, start: number, poolStart: number, length: number): boolean {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    const view = this.#view;
    const poolView = this.#poolView;
    const end = start + length;
    let i = start;
    let j = poolStart;
    for (; i <= end - 4; i += 4, j += 4) if (view.getInt32(i, true) !== poolView.getInt32(j, true)) return false;
    const pool = this.#pool;
    for (; i < end; i++, j++) if (bytes[i] !== pool[j]) return false;
    return true;
  }
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array): DataView => new DataView(buffer, byteOffset, length);

/** Whether a bare name ends at `end`: `up` is also the start of `upper 1` and of `up {a="b"} 1`. */
export function isNameEnd(bytes: Uint8Array, end: number): boolean {
  const first = bytes[end];
  const second = bytes[end + 1];
  return (first === SPACE || first === TAB) && second !== OPEN && second !== SPACE && second !== TAB;
}
