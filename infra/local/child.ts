import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** A program of the local stack: its lines go to a file and to `onLine`; it is ended by its pid only. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #log: WriteStream;
  readonly #ended: Promise<string>;
  #last: string[] = [];
  #running = true;

  /**
   * @param onLine every line it prints, from both streams
   * @param program default: this Node
   */
  constructor(
    name: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    logFile: string,
    onLine: (line: string) => void,
    program = process.execPath,
  ) {
    this.name = name;
    this.#log = createWriteStream(logFile);
    // A group of its own: Ctrl-C reaches only the parent, which ends its children in order.
    this.#process = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.#log.write(`${line}\n`);
        this.#last = [...this.#last.slice(-9), line];
        onLine(line);
      });
    }
    this.#ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#running = false;
        this.#log.end();
        resolve(how);
      };
      this.#process.once('error', (error) => end(error.message));
      this.#process.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Resolves with how it ended. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** The last ten lines, for a message about an unexpected end. */
  get lastLines(): string {
    return this.#last.join('\n');
  }

  /** SIGTERM, then SIGKILL after `deadlineMs`. */
  async stop(deadlineMs: number): Promise<void> {
    if (!this.#running) return;
    const timer = setTimeout(() => this.end('SIGKILL'), deadlineMs);
    this.end('SIGTERM');
    await this.#ended;
    clearTimeout(timer);
  }

  end(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#running) this.#process.kill(signal);
  }
}
