import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

/** One answer of a target. Keys as in the files of `cases/`; test/differential/README.md describes them. */
export interface Answer {
  readonly text: string;
  /** Content type; empty: no such header. */
  readonly type: string;
  readonly status: number;
  readonly delayMs: number;
  /** The connection is closed without an answer. */
  readonly gone: boolean;
  readonly redirect: boolean;
  readonly gzip: boolean;
}

/** What changes after some scrapes, besides the answers. */
export type Step =
  /** The target leaves discovery. */
  | 'remove'
  /** It comes back when it has been given up, with markers. */
  | 'return'
  /** It gets another label. */
  | 'relabel'
  /** Both programs reload a file in which the job has `config` of {@link Case.reload}, or is missing. */
  | 'reload';

/** By series: what came, scrape by scrape (test/differential/harness/outcome.ts). */
export type Outcome = Readonly<Record<string, string>>;

export interface Case {
  readonly name: string;
  readonly about: string;
  /** The scrape_config without job_name and discovery. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Labels of the targets besides `case`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly targets: number;
  /** Nothing listens at the address. */
  readonly closed: boolean;
  readonly discovery: 'static' | 'file' | 'http';
  readonly scrapes: readonly Answer[];
  readonly steps: readonly Step[];
  /** The job's config after a reload; `undefined`: the job is gone. */
  readonly reload: Readonly<Record<string, unknown>> | undefined;
  /** Compares the time between scrapes, too. */
  readonly spacing: boolean;
  /** `undefined`: the same as Prometheus 2.42 on the same targets. */
  readonly expected: { readonly source: string; readonly series: Outcome } | undefined;
}

const KEYS = ['about', 'config', 'labels', 'targets', 'closed', 'discovery', 'scrapes', 'steps', 'reload', 'spacing', 'expect'];
const ANSWER_KEYS = ['text', 'type', 'status', 'delay', 'gone', 'redirect', 'gzip', 'times'];
export const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
export const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Raw = Readonly<Record<string, unknown>>;

/** All cases, by name. Throws on a key that no case may have: a misspelt key must not make a case prove less. */
export function readCases(folder: string): readonly Case[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yml'))
    .sort()
    .map((file) => {
      const name = basename(file, '.yml');
      const raw = parse(readFileSync(join(folder, file), 'utf8')) as Raw;
      refuseOthers(name, raw, KEYS);
      if (typeof raw['about'] !== 'string') throw new Error(`${file}: expected "about", what the case shows`);
      const expect = raw['expect'] as 'same' | { source: string; series: Outcome };
      if (expect !== 'same' && (typeof expect?.source !== 'string' || typeof expect.series !== 'object'))
        throw new Error(`${file}: expect: expected "same", or "source" and "series"`);
      return {
        name,
        about: raw['about'],
        config: (raw['config'] ?? {}) as Raw,
        labels: (raw['labels'] ?? {}) as Record<string, string>,
        targets: (raw['targets'] ?? 1) as number,
        closed: raw['closed'] === true,
        discovery: (raw['discovery'] ?? 'static') as Case['discovery'],
        scrapes: (raw['scrapes'] as (string | Raw)[]).flatMap((answer) => readAnswers(name, answer)),
        steps: [raw['steps'] ?? []].flat() as Step[],
        reload: raw['reload'] as Raw | undefined,
        spacing: raw['spacing'] === true,
        expected: expect === 'same' ? undefined : expect,
      };
    });
}

function readAnswers(name: string, answer: string | Raw): readonly Answer[] {
  const raw: Raw = typeof answer === 'string' ? { text: answer } : answer;
  refuseOthers(name, raw, ANSWER_KEYS);
  const type = raw['type'] ?? 'text';
  const read: Answer = {
    text: (raw['text'] ?? '') as string,
    type: type === 'text' ? TEXT : type === 'openmetrics' ? OPEN_METRICS : (type as string),
    status: (raw['status'] ?? 200) as number,
    delayMs: (raw['delay'] ?? 0) as number,
    gone: raw['gone'] === true,
    redirect: raw['redirect'] === true,
    gzip: raw['gzip'] === true,
  };
  return new Array<Answer>((raw['times'] ?? 1) as number).fill(read);
}

function refuseOthers(name: string, raw: Raw, keys: readonly string[]): void {
  for (const key of Object.keys(raw)) if (!keys.includes(key)) throw new Error(`${name}: unknown key ${key}; known are ${keys.join(', ')}`);
}
