import { labelValue, METRIC_NAME } from './labels.ts';
import type { Row } from './series-table.ts';

/**
 * For each row of a table an earlier one that it is probably like, by the names of their metrics: the last one with the same name;
 * else the last with the same first and last word; else the last with the same last word, which tells the unit. The number of rows
 * stands for none. Words are what underscores part.
 */
export function likeRows(rows: readonly Row[]): Int32Array {
  const like = new Int32Array(rows.length);
  const last = new Map<string, number>();
  rows.forEach((row, i) => {
    const name = labelValue(row, METRIC_NAME);
    const unit = name.slice(name.lastIndexOf('_') + 1);
    // A name with tabs may be taken for words: on both sides alike.
    const words = `${name.slice(0, Math.max(0, name.indexOf('_')))}\t${unit}`;
    const any = `\t\t${unit}`;
    like[i] = last.get(name) ?? last.get(words) ?? last.get(any) ?? rows.length;
    last.set(name, i);
    last.set(words, i);
    last.set(any, i);
  });
  return like;
}

/** {@link likeRows} of a table, kept as long as the object is: each push wants it, and the rows may have to be read for it. */
export function likeRowsOf(table: { readonly rows: readonly Row[] }): Int32Array {
  const known = likes.get(table);
  if (known !== undefined) return known;
  const like = likeRows(table.rows);
  likes.set(table, like);
  return like;
}

const likes = new WeakMap<object, Int32Array>();

/** The same for the rows that a mask leaves: where it leaves out the one that a row is like, the one that that is like counts. */
export function likeOfKept(like: Int32Array, masked: Uint8Array): Int32Array {
  const rows = masked.length;
  /** Of each row: its place among those that are left, or that of the one it is like. `rows`: none. */
  const places = new Int32Array(rows + 1).fill(rows);
  const kept: number[] = [];
  for (let row = 0; row < rows; row++) {
    const place = places[like[row] as number] as number;
    if (masked[row] === 1) {
      places[row] = place;
      continue;
    }
    places[row] = kept.length;
    kept.push(place);
  }
  return Int32Array.from(kept, (place) => (place === rows ? kept.length : place));
}
