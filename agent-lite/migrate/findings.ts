/** Where something stands in what was given. */
export interface Origin {
  readonly file: string;
  /** From 1; 0 where it has no line, as a flag. */
  readonly line: number;
}
export interface Finding {
  readonly origin: Origin;
  /** The key, flag or thing it is about. */
  readonly what: string;
  readonly note: string;
}

/** The chapters of the report. */
export const chapters = ['carried', 'changed', 'central', 'leftOut', 'toDo'] as const;
export type Chapter = (typeof chapters)[number];

/** What a migration has to tell, by chapter, in the order in which it was found. */
export class Findings {
  readonly #named = new Map<string, string>();
  readonly #found: Record<Chapter, Finding[]> = { carried: [], changed: [], central: [], leftOut: [], toDo: [] };

  /** What has no line of this file stands in that one. */
  withoutLine(file: string, name: string): void {
    this.#named.set(file, name);
  }
  add(chapter: Chapter, { file, line }: Origin, what: string, note: string): void {
    const origin = { file: line === 0 ? (this.#named.get(file) ?? file) : file, line };
    const list = this.#found[chapter];
    const same = list.some((other) => other.what === what && other.note === note && other.origin.line === origin.line);
    if (!same) list.push({ origin, what, note });
  }
  of(chapter: Chapter): readonly Finding[] {
    return this.#found[chapter];
  }
}
