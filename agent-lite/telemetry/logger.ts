import type { Clock, Level, Logger } from '../model.ts';

/**
 * The agent's log lines, as Prometheus 3 writes them (promslog): `time=... level=INFO msg="..." key=value`, or JSON with the
 * same keys. Two differences, both for a device whose journal lies on a memory card: there is no `source=file:line` (it would
 * name lines of a bundle; `component` says who speaks), and an equal warning or error is written at most once a minute, then
 * with `repeated=N`, the number of lines left out since the last one.
 */
export type LogFormat = 'logfmt' | 'json';
export const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

export interface LoggerOptions {
  readonly level: Level;
  readonly format: LogFormat;
  readonly clock: Pick<Clock, 'now' | 'boot'>;
  /** Gets one whole line with its newline. */
  readonly write: (line: string) => void;
  /** An equal line is written at most once in this time, ms. Default 60 s. */
  readonly repeatMs?: number;
}

/** {@link Logger} plus `flush`, which writes the lines whose repeats nobody has told yet; called before exit. */
export interface FlushingLogger extends Logger {
  flush(): void;
}

type Fields = Readonly<Record<string, unknown>>;
interface Repeats {
  readonly sinceMs: number;
  /** Lines left out since then, and the fields of the last of them. */
  count: number;
  readonly level: Level;
  readonly message: string;
  fields: Fields;
}

/** Different messages remembered. Beyond it the oldest is forgotten: it may then be written more than once a minute. */
const MAX_REMEMBERED = 512;
/** UTF-16 units of one value. A target can put a megabyte into an error text. */
const MAX_VALUE = 2_000;

export function createLogger(options: LoggerOptions): FlushingLogger {
  const { clock, format, write } = options;
  const repeatMs = options.repeatMs ?? 60_000;
  const least = levels.indexOf(options.level);
  /** By key, oldest first: an entry is put back at the end whenever its line is written. */
  const remembered = new Map<string, Repeats>();

  function line(level: Level, message: string, fields: Fields, repeated: number): void {
    const all: [string, string][] = [
      ['time', new Date(clock.now()).toISOString()],
      ['level', level.toUpperCase()],
      ['msg', clip(message)],
    ];
    for (const [key, value] of Object.entries(fields)) if (value !== undefined) all.push([key, clip(textOf(value))]);
    if (repeated > 0) all.push(['repeated', String(repeated)]);
    write(
      `${format === 'json' ? JSON.stringify(Object.fromEntries(all)) : all.map(([key, value]) => `${key}=${quote(value)}`).join(' ')}\n`,
    );
  }

  /** Tells repeats whose minute is over and forgets them, so that an error that has ended still gives its count. */
  function settle(everything: boolean): void {
    for (const [key, entry] of remembered) {
      if (!everything && clock.boot() - entry.sinceMs < repeatMs) break;
      remembered.delete(key);
      if (entry.count > 0) line(entry.level, entry.message, entry.fields, entry.count);
    }
  }

  return {
    log(level, message, fields = {}) {
      if (levels.indexOf(level) < least) return;
      const limited = level === 'warn' || level === 'error';
      const key = limited ? repeatKey(level, message, fields) : '';
      const entry = remembered.get(key);
      if (entry !== undefined && clock.boot() - entry.sinceMs < repeatMs) {
        entry.count++;
        entry.fields = fields;
        return;
      }
      remembered.delete(key);
      settle(false);
      line(level, message, fields, entry?.count ?? 0);
      if (!limited) return;
      for (const oldest of remembered.keys()) {
        if (remembered.size < MAX_REMEMBERED) break;
        remembered.delete(oldest);
      }
      remembered.set(key, { sinceMs: clock.boot(), count: 0, level, message, fields });
    },
    flush: () => settle(true),
  };
}

/**
 * What makes two lines "the same error": level, message and the texts that name a place. Numbers (durations, counts,
 * positions) differ each time and do not count; neither do numbers inside an error's text ("timeout after 10003 ms").
 */
function repeatKey(level: Level, message: string, fields: Fields): string {
  const parts: string[] = [level, message];
  for (const [key, value] of Object.entries(fields)) {
    if (value instanceof Error || key === 'err' || key === 'error') parts.push(key, textOf(value).replace(/\d+/g, '#').slice(0, 200));
    else if (typeof value === 'string') parts.push(key, value.slice(0, 200));
  }
  return parts.join('\0');
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return causes(value);
  if (typeof value === 'object' && value !== null) return JSON.stringify(value) ?? '';
  return String(value);
}

/** An error's message with those of its causes, which often carry the useful half. */
function causes(error: Error): string {
  let text = error.message === '' ? error.name : error.message;
  let cause = error.cause;
  for (let depth = 0; depth < 4 && cause instanceof Error; depth++) {
    if (!text.includes(cause.message)) text += `: ${cause.message}`;
    cause = cause.cause;
  }
  return text;
}

const clip = (text: string): string => (text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}... (${text.length} characters)` : text);

/** logfmt: bare where nothing could be mistaken, else a JSON string, so a value can never start a new field or line. */
function quote(value: string): string {
  return /^[\w.:/+@%,[\]{}()*~-]+$/.test(value) ? value : JSON.stringify(value);
}
