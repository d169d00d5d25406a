import { FormatError } from './binary.ts';
import { compareText, type Label, METRIC_NAME } from './labels.ts';
import type { WireLimits } from './limits.ts';
import { buildTable, type Row, type SeriesTable, type Sha256 } from './series-table.ts';

/**
 * The short form of a series table, for the upload: a third fewer bytes than the canonical ones once both are deflated, because
 * what is alike stands together. Only a form of transfer: a table is named by its canonical bytes, which begin with another byte.
 *
 * A byte 0, then UTF-8 text of lines whose fields are separated by tabs. First a line for each family, that is for each metric
 * name with the label names of its rows: metric name, label names, number of rows; an empty line; then for each family in turn
 * and each of its label names a line with the values of its rows. A tab, a newline and a backslash in a field are `\t`, `\n`, `\\`.
 */

const SHORT_FORM = 0;
/** What a row takes as objects, bytes, besides its texts; and each of its labels. */
const MEMORY_PER_ROW = 64;
const MEMORY_PER_LABEL = 108;
const MEMORY_PER_TABLE = 64 * 1024 * 1024;

interface Family {
  readonly name: string;
  readonly labels: readonly string[];
  readonly rows: Row[];
}

/** Rows that one target may bring inline in a push, and their bytes: more is worth a table. */
export const MAX_INLINE_ROWS = 2_000;
export const MAX_INLINE_BYTES = 256 * 1024;

export const isShortForm = (bytes: Uint8Array): boolean => bytes.length > 1 && bytes[0] === SHORT_FORM;

/** The rows in the order in which their short form is read. */
export const inFormOrder = (rows: readonly Row[]): readonly Row[] => familiesOf(rows).flatMap((family) => family.rows);

export function encodeTableForm(rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  const sorted = familiesOf(rows);
  const lines = [
    ...sorted.map(({ name, labels, rows: own }) => line([name, ...labels, String(own.length)])),
    '',
    ...sorted.flatMap(({ labels, rows: own }) =>
      labels.map((label) => line(own.map((row) => row.find(([name]) => name === label)?.[1] ?? ''))),
    ),
  ];
  return Uint8Array.from(new TextEncoder().encode(`\0${lines.join('\n')}\n`));
}

function familiesOf(rows: readonly Row[]): readonly Family[] {
  const families = new Map<string, Family>();
  for (const row of rows) {
    const labels = row.filter(([name]) => name !== METRIC_NAME).map(([name]) => name);
    const name = row.find(([label]) => label === METRIC_NAME)?.[1] ?? '';
    const key = line([name, ...labels]);
    const family = families.get(key) ?? { name, labels, rows: [] };
    family.rows.push(row);
    families.set(key, family);
  }
  return [...families].sort(([a], [b]) => compareText(a, b)).map(([, family]) => family);
}

const line = (fields: readonly string[]): string => fields.map(escapeField).join('\t');
const ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\\': '\\\\' };
const escapeField = (text: string): string => text.replaceAll(/[\t\n\\]/g, (character) => ESCAPES[character] as string);

/**
 * Reads the short form and builds the table, whose canonical bytes the caller checks as any other's. Memory is bounded before it
 * is taken. Throws {@link FormatError}.
 */
export async function decodeTableForm(bytes: Uint8Array, sha256: Sha256, limits: WireLimits): Promise<SeriesTable> {
  const rows = decodeRows(bytes, limits);
  try {
    return (await buildTable(rows, sha256)).table;
  } catch (cause) {
    if (cause instanceof RangeError) throw new FormatError('series table: a row is given twice', { cause });
    throw cause;
  }
}

/** The rows as the short form has them, in its order. Throws {@link FormatError}. */
export function decodeRows(bytes: Uint8Array, limits: WireLimits): readonly Row[] {
  if (bytes[0] !== SHORT_FORM) throw new FormatError('series table: expected its short form');
  const reader = new FieldReader(bytes);
  const shapes: { name: string; labels: string[]; count: number }[] = [];
  let count = 0;
  let memory = MEMORY_PER_TABLE;
  for (;;) {
    const fields = reader.line(limits.labelsPerSeries + 2);
    if (fields.length === 1 && fields[0] === '') break;
    const [name = '', ...labels] = fields;
    const rows = labels.pop() ?? '';
    if (!/^[1-9][0-9]{0,8}$/.test(rows))
      throw new FormatError(`series table: expected a number of rows, got ${JSON.stringify(rows.slice(0, 20))}`);
    const own = Number(rows);
    count += own;
    if (count > limits.tableRows) throw new FormatError(`series table: expected at most ${limits.tableRows} rows, got more`);
    const texts = labels.reduce((sum, label) => sum + label.length, name.length);
    memory -= own * (MEMORY_PER_ROW + (labels.length + 1) * MEMORY_PER_LABEL + texts);
    if (memory < 0) throw new FormatError(`series table: expected rows of at most ${MEMORY_PER_TABLE} bytes in memory`);
    shapes.push({ name, labels, count: own });
  }
  const rows = shapes.flatMap((shape) => readFamily(reader, shape));
  reader.end();
  return rows;
}

function readFamily(reader: FieldReader, { name, labels, count }: { name: string; labels: readonly string[]; count: number }): Row[] {
  const rows: Label[][] = Array.from({ length: count }, () => []);
  let named = false;
  const addName = (): void => {
    for (const row of rows) row.push([METRIC_NAME, name]);
    named = true;
  };
  for (const label of labels) {
    if (!named && compareText(label, METRIC_NAME) > 0) addName();
    const fields = reader.line(count);
    if (fields.length !== count)
      throw new FormatError(`series table: expected ${count} values of ${JSON.stringify(label.slice(0, 40))}, got ${fields.length}`);
    rows.forEach((row, i) => {
      row.push([label, fields[i] as string]);
    });
  }
  if (!named) addName();
  return rows;
}

class FieldReader {
  readonly #text: string;
  #at = 1;
  /** The next tab that was found: looking for it anew in each line would cost the square of a hostile text's length. */
  #tab = 0;

  constructor(bytes: Uint8Array) {
    try {
      this.#text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw new FormatError('series table: expected UTF-8 text', { cause });
    }
  }

  /** Throws where a line has more than `most` fields, or there is none. */
  line(most: number): readonly string[] {
    const end = this.#text.indexOf('\n', this.#at);
    if (end === -1) throw new FormatError('series table: expected one more line');
    const fields: string[] = [];
    for (let at = this.#at; at <= end; ) {
      if (fields.length === most) throw new FormatError(`series table: expected a line of at most ${most} fields`);
      if (this.#tab < at && this.#tab !== -1) this.#tab = this.#text.indexOf('\t', at);
      const stop = this.#tab === -1 || this.#tab > end ? end : this.#tab;
      fields.push(unescapeField(this.#text.slice(at, stop)));
      at = stop + 1;
    }
    this.#at = end + 1;
    return fields;
  }

  end(): void {
    if (this.#at !== this.#text.length) throw new FormatError('series table: expected the end, got more lines');
  }
}

function unescapeField(field: string): string {
  if (!field.includes('\\')) return field;
  return field.replaceAll(/\\(.?)/gs, (whole, character: string) => {
    const found = Object.entries(ESCAPES).find(([, escaped]) => escaped === whole);
    if (found === undefined) throw new FormatError(`series table: expected \\t, \\n or \\\\, got \\${character}`);
    return found[0];
  });
}
