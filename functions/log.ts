/** One JSON object a line, as the platform's log search wants it. Nothing that a sender sent goes in, least of all a token. */
export class EdgeLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #sampled = new Map<string, { readonly sinceMs: number; suppressed: number }>();

  constructor(write: (line: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  error(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#line('error', message, fields);
  }

  /** At most once a minute for each `message` of an isolate, with the number of those left out. */
  sampled(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const known = this.#sampled.get(message);
    const now = this.#now();
    if (known !== undefined && now - known.sinceMs < SAMPLE_MS) {
      known.suppressed++;
      return;
    }
    this.#sampled.set(message, { sinceMs: now, suppressed: 0 });
    this.#line('warn', message, { ...fields, repeated: known?.suppressed ?? 0 });
  }

  #line(level: 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#write(JSON.stringify({ level, message, ...fields }));
  }
}

const SAMPLE_MS = 60_000;

/** For log fields: the kind and words of an error, never its stack. */
export const describeError = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));
