import type { ExpositionParser, ExpositionSink, FamilyType, MetadataLine } from '../../../agent-lite/scrape/exposition.ts';
import { type Labels, labelsToRecord } from '../../../contract/labels.ts';

export interface Read {
  readonly labels: Record<string, string>;
  readonly value: number;
  readonly timeMs: number | undefined;
  readonly exemplar?: { readonly labels: Record<string, string> | undefined; readonly value: number; readonly timeMs: number | undefined };
}

const time = (ms: number): number | undefined => (Number.isNaN(ms) ? undefined : ms);

/** Collects all of an exposition; nothing is known beforehand. */
export class Collector implements ExpositionSink {
  readonly samples: Read[] = [];
  readonly lines: MetadataLine[] = [];
  #labels: Labels = [];
  known(): number {
    return -1;
  }
  series(_bytes: Uint8Array, _start: number, _end: number, _family: FamilyType, labels: () => Labels): void {
    this.#labels = labels();
  }
  sample(value: number, timeMs: number): void {
    this.samples.push({ labels: { ...labelsToRecord(this.#labels) }, value, timeMs: time(timeMs) });
  }
  exemplar(value: number, timeMs: number, labels: () => Labels | undefined): void {
    const read = labels();
    const exemplar = { labels: read === undefined ? undefined : { ...labelsToRecord(read) }, value, timeMs: time(timeMs) };
    this.samples.push({ ...(this.samples.pop() as Read), exemplar });
  }
  knownLine(): undefined {}
  metadata(_bytes: Uint8Array, _start: number, _end: number, line: MetadataLine): void {
    this.lines.push(line);
  }
}

export function collect(parser: ExpositionParser, text: string | Uint8Array): Collector {
  const sink = new Collector();
  parser(typeof text === 'string' ? new TextEncoder().encode(text) : text, sink);
  return sink;
}
