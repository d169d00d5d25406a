import { crc32c } from '../contract/crc32c.ts';

/** One JSON object a line, as the platform's log search wants it. Nothing that a sender sent goes in, least of all a token. */
export class EdgeLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #written = new Map<string, { readonly sinceMs: number; lines: number; suppressed: number }>();
  #options: LogOptions = DEFAULT_OPTIONS;

  constructor(write: (line: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  /** As the configuration has it, once there is one. */
  configure(options: LogOptions): void {
    this.#options = options;
  }

  /** A fault of the edge. At most {@link ERRORS_PER_INTERVAL} times an interval for each `message` of an isolate. */
  error(message: string, fields: Fields = {}): void {
    this.#limited('error', ERRORS_PER_INTERVAL, message, fields);
  }

  /** At most once an interval for each `message` of an isolate. */
  sampled(message: string, fields: Fields = {}): void {
    this.#limited('warn', 1, message, fields);
  }

  /** One of many requests, whatever became of it: those whose id says so, so that all that is written of a request is written. */
  request(requestId: string, fields: Fields): void {
    if (crc32c(new TextEncoder().encode(requestId)) / 2 ** 32 >= this.#options.samplingFraction) return;
    this.#line('info', 'request', { requestId, ...fields });
  }

  #limited(level: Level, most: number, message: string, fields: Fields): void {
    const now = this.#now();
    const key = `${level} ${message}`;
    const before = this.#written.get(key);
    const current = before !== undefined && now - before.sinceMs < this.#options.repeatIntervalMs;
    const known = current ? before : { sinceMs: now, lines: 0, suppressed: 0 };
    if (known.lines >= most) {
      known.suppressed++;
      return;
    }
    known.lines++;
    this.#written.set(key, known);
    const repeated = current ? 0 : (before?.suppressed ?? 0);
    this.#line(level, message, level === 'warn' || repeated > 0 ? { ...fields, repeated } : fields);
  }

  #line(level: Level, message: string, fields: Fields): void {
    this.#write(JSON.stringify({ level, message, ...fields }));
  }
}

type Level = 'info' | 'warn' | 'error';
type Fields = Readonly<Record<string, unknown>>;
/** As LogConfig of the configuration. */
export interface LogOptions {
  readonly samplingFraction: number;
  readonly repeatIntervalMs: number;
}
const DEFAULT_OPTIONS: LogOptions = { samplingFraction: 0, repeatIntervalMs: 60_000 };
/** A bucket that is away makes every push a fault. */
const ERRORS_PER_INTERVAL = 10;

/** For log fields: the kind and words of an error, never its stack. */
export const describeError = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));
