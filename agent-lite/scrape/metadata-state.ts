import { compareText, utf8Length } from '../../contract/labels.ts';
import { type FamilyMetadata, type MetricType, metadataLimits } from '../../contract/metadata.ts';
import { FAMILY_OTHER, type FamilyType, familyType, type KnownLine, type MetadataLine } from './exposition.ts';
import { NEWLINE } from './lexer.ts';
import type { Line, MetadataLines } from './metadata-lines.ts';
import { SharedShapes } from './shared-shapes.ts';
import { TextIndex } from './text-index.ts';

/** Lines longer than this are read again in every scrape, bytes: bounds what the index holds. */
const INDEXED_LINE_BYTES = 4096;
/** Scrapes for which the metadata of a family stays that is no longer exposed; scrape/scrape.go `iterDone`. */
const KEPT_SCRAPES = 10;

export interface MetadataCounts {
  /** HELP texts that were cut. */
  readonly cut: number;
  /** Lines left out at a limit. */
  readonly leftOut: number;
}

interface Family {
  readonly name: string;
  type: MetricType;
  help: string;
  unit: string;
  /** Scrape that last told of it. */
  seenAt: number;
  /** As it was handed out last. */
  given: FamilyMetadata | undefined;
}

/**
 * What one target says about its metric families, from scrape to scrape. As in Prometheus, a line replaces what was known and
 * stays until another one does or the family is gone for ten scrapes. Where scrapes all say the same nothing is held but
 * {@link MetadataLines}, which equal targets share.
 */
export class TargetMetadata {
  readonly #limits: typeof metadataLimits | { readonly [K in keyof typeof metadataLimits]: number };
  readonly #index = new TextIndex<Line>();
  readonly #shared: SharedShapes;
  /** The last scrape said no more and no less than this; then {@link #families} is empty. */
  #settled: MetadataLines | undefined;
  readonly #families = new Map<string, Family>();
  /** UTF-8 bytes of all names, help texts and units. */
  #bytes = 0;
  #scrape = 0;
  /** There may be families that this scrape does not tell of. */
  #aging = true;
  /** Something may differ from what was handed out. */
  #dirty = true;
  #cut = 0;
  #leftOut = 0;

  constructor(shared = new SharedShapes(), limits: { readonly [K in keyof typeof metadataLimits]: number } = metadataLimits) {
    this.#shared = shared;
    this.#limits = limits;
  }

  /** Of the scrape under way. */
  get counts(): MetadataCounts {
    return { cut: this.#cut, leftOut: this.#leftOut };
  }

  begin(): void {
    this.#scrape++;
    this.#index.begin();
    this.#cut = 0;
    this.#leftOut = 0;
  }

  knownLine(bytes: Uint8Array, at: number): KnownLine | undefined {
    if (this.#index.expected(bytes, at, FAMILY_OTHER) === -1) return undefined;
    const line = this.#index.item;
    if (line !== undefined) this.#apply(line);
    return line;
  }

  metadata(bytes: Uint8Array, start: number, end: number, line: MetadataLine): void {
    this.#unsettle();
    const known = this.#index.find(bytes, start, end, FAMILY_OTHER) ? this.#index.item : undefined;
    if (known !== undefined) {
      this.#apply(known);
      return;
    }
    const of = this.#family(line.family);
    if (of === undefined || (line.kind === 'unit' && utf8Length(line.text) > this.#limits.unitBytes)) {
      this.#leftOut++;
      return;
    }
    const made = this.#line(end - start, line);
    this.#apply(made);
    // Three lines a family are usual; more, or longer ones, are understood but not remembered.
    const room = this.#index.size < 3 * this.#limits.families && this.#index.bytes < 4 * this.#limits.bytes;
    // A last line without its line end could be the start of a longer one.
    const whole = bytes[end - 1] === NEWLINE;
    if (room && whole && end - start <= INDEXED_LINE_BYTES) this.#index.add(bytes, start, end, FAMILY_OTHER, made);
    else this.#aging = true;
  }

  /** The scrape is good. All families sorted by name if they differ from what was handed out last, else `undefined`. */
  commit(): readonly FamilyMetadata[] | undefined {
    if (this.#settled !== undefined) {
      if (this.#index.cursor === this.#settled.shape.items.length) {
        this.#index.commit();
        return undefined;
      }
      this.#unsettle();
    }
    if (this.#index.commit().length > 0) this.#aging = true;
    if (this.#aging) this.#forgetOld();
    const changed = this.#changed();
    const settled = this.#settle();
    return changed === undefined ? undefined : (settled?.given ?? changed);
  }

  #changed(): readonly FamilyMetadata[] | undefined {
    if (!this.#dirty) return undefined;
    let same = this.#given === this.#families.size;
    for (const family of this.#families.values()) {
      const { name, type, help, unit, given } = family;
      if (given?.type === type && given.help === help && given.unit === unit) continue;
      family.given = { family: name, type, help, unit };
      same = false;
    }
    this.#dirty = false;
    if (same) return undefined;
    this.#given = this.#families.size;
    return this.#all();
  }

  #all(): readonly FamilyMetadata[] {
    const all: FamilyMetadata[] = [];
    for (const { given } of this.#families.values()) if (given !== undefined) all.push(given);
    return all.sort((a, b) => compareText(a.family, b.family));
  }
  /** Families handed out last; -1: nothing was. A family that went and another that came show in `given` of the latter. */
  #given = -1;

  /** The scrape failed. What it said about known families stays, as in Prometheus. */
  rollback(): void {
    this.#unsettle();
    this.#index.rollback();
    this.#aging = true;
  }

  /** What was handed out last did not arrive: the next {@link commit} hands out all again. */
  handOutAgain(): void {
    this.#unsettle();
    this.#given = -1;
    this.#dirty = true;
  }

  /** The lines are to be read anew, as another format has other rules for them. */
  forgetLines(): void {
    this.#unsettle();
    this.#index.clear();
    this.#aging = true;
  }

  #settle(): MetadataLines | undefined {
    const { shape } = this.#index;
    if (shape === undefined || this.#aging || this.#leftOut > 0) return undefined;
    this.#settled = this.#shared.metadata({ shape, given: this.#all() });
    this.#index.adopt(this.#settled.shape);
    this.#families.clear();
    return this.#settled;
  }

  /** From here on this scrape may say something else. */
  #unsettle(): void {
    const settled = this.#settled;
    if (settled === undefined) return;
    this.#settled = undefined;
    this.#bytes = 0;
    for (const given of settled.given) {
      const { family: name, type, help, unit } = given;
      this.#families.set(name, { name, type, help, unit, seenAt: this.#scrape - 1, given });
      this.#bytes += utf8Length(name) + utf8Length(help) + utf8Length(unit);
    }
    for (let i = 0; i < this.#index.cursor; i++) this.#note(settled.shape.items[i] as Line);
  }

  #forgetOld(): void {
    this.#aging = false;
    for (const [name, family] of this.#families) {
      if (family.seenAt === this.#scrape) continue;
      this.#aging = true;
      if (this.#scrape - family.seenAt <= KEPT_SCRAPES) continue;
      this.#families.delete(name);
      this.#bytes -= utf8Length(name) + utf8Length(family.help) + utf8Length(family.unit);
      this.#dirty = true;
    }
  }

  #family(name: string): Family | undefined {
    const known = this.#families.get(name);
    if (known !== undefined) return known;
    const length = utf8Length(name);
    const { families, nameBytes, bytes } = this.#limits;
    if (this.#families.size >= families || length > nameBytes || this.#bytes + length > bytes) return undefined;
    const family: Family = { name, type: 'unknown', help: '', unit: '', seenAt: this.#scrape, given: undefined };
    this.#families.set(name, family);
    this.#bytes += length;
    this.#dirty = true;
    return family;
  }

  #line(length: number, line: MetadataLine): Line {
    const nothing = {
      of: line.family,
      length,
      family: undefined as FamilyType | undefined,
      type: undefined,
      help: undefined,
      unit: undefined,
      cut: false,
    };
    if (line.kind === 'type') return { ...nothing, type: line.type, family: familyType(line.type) };
    if (line.kind === 'unit') return { ...nothing, unit: line.text };
    const help = cutText(line.text, this.#limits.helpBytes);
    return { ...nothing, help, cut: help !== line.text };
  }

  #apply(line: Line): void {
    if (line.cut) this.#cut++;
    if (this.#settled === undefined) this.#note(line);
  }

  #note(line: Line): void {
    // A family is forgotten after its lines are, never before.
    const of = this.#family(line.of);
    if (of === undefined) return;
    const { type, help, unit } = line;
    of.seenAt = this.#scrape;
    if (type !== undefined && type !== of.type) {
      of.type = type;
      this.#dirty = true;
    }
    if (help !== undefined && help !== of.help && this.#fits(of.help, help)) of.help = help;
    if (unit !== undefined && unit !== of.unit && this.#fits(of.unit, unit)) of.unit = unit;
  }

  /** Accounts for a text that takes the place of another. */
  #fits(before: string, after: string): boolean {
    const bytes = this.#bytes + utf8Length(after) - utf8Length(before);
    if (bytes > this.#limits.bytes) {
      this.#leftOut++;
      return false;
    }
    this.#bytes = bytes;
    this.#dirty = true;
    return true;
  }
}

/** At most `bytes` UTF-8 bytes of `text`, whole characters. */
function cutText(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || utf8Length(text) <= bytes) return text;
  let length = 0;
  let end = 0;
  for (const character of text) {
    length += utf8Length(character);
    if (length > bytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}
