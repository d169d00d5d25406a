import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { isPortFree } from '../../../infra/local/ports.ts';
import { waitFor } from './wait.ts';

/** The repository. */
export const ROOT = resolve(import.meta.dirname, '../../..');
/** The Node of node_modules, which runs TypeScript; the system's may be older. */
export const NODE = join(ROOT, 'node_modules/.bin/node');

const OUTPUT_LIMIT = 200_000;
const STOP_DEADLINE_MS = 15_000;

/** A real program under test, and all it has printed. Always ended by its own pid. */
export class Program {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | NodeJS.Signals>;
  #output = '';
  #code: number | NodeJS.Signals | undefined;

  private constructor(name: string, child: ChildProcess, pid: number) {
    this.name = name;
    this.pid = pid;
    this.#child = child;
    const collect = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_LIMIT);
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    this.#exited = new Promise((done) => {
      child.once('exit', (code, signal) => {
        this.#code = code ?? signal ?? 'SIGKILL';
        done(this.#code);
      });
    });
  }

  static async start(name: string, command: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Program> {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await new Promise<void>((done, failed) => {
      child.once('spawn', done);
      child.once('error', failed);
    });
    if (child.pid === undefined) throw new Error(`${name}: started without a pid`);
    return new Program(name, child, child.pid);
  }

  /** Standard output and errors so far, the last 200 kB. */
  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#code === undefined;
  }

  /** Exit code, or the signal that ended it. */
  exited(timeoutMs = STOP_DEADLINE_MS): Promise<number | NodeJS.Signals> {
    return waitFor(
      `${this.name} to end`,
      () => this.#code,
      timeoutMs,
      () => this.describe(),
    ).then(() => this.#exited);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL where that is not heeded in time; the latter is an error. */
  async stop(timeoutMs = STOP_DEADLINE_MS): Promise<number | NodeJS.Signals> {
    this.kill('SIGTERM');
    try {
      return await this.exited(timeoutMs);
    } catch (error) {
      this.kill('SIGKILL');
      await this.#exited;
      throw error;
    }
  }

  /** SIGKILL, and waits until it is gone. */
  async kill9(): Promise<void> {
    this.kill('SIGKILL');
    await this.#exited;
  }

  /** Waits for `text` in the output. */
  async prints(text: string | RegExp, timeoutMs = 30_000): Promise<void> {
    const found = (): boolean => (typeof text === 'string' ? this.#output.includes(text) : text.test(this.#output));
    await waitFor(
      `${this.name} to print ${text}`,
      () => {
        if (found()) return true;
        if (!this.running) throw new Error(`it ended with ${this.#code}`);
        return false;
      },
      timeoutMs,
      () => this.describe(),
    );
  }

  describe(): string {
    return `--- ${this.name} (pid ${this.pid}, ${this.running ? 'running' : `ended: ${this.#code}`})\n${this.#output.slice(-6000)}\n---`;
  }
}

/**
 * A port that was free a moment ago, below the range from which the system takes ports for outgoing connections: a program
 * that is killed and started again finds it still free.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (await isPortFree(port)) return port;
  }
  throw new Error('no free port between 15000 and 32000');
}
