import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test started, ended in reverse order whatever happens. */
export class Cleanup {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Runs every step, then throws the first error. */
  async run(): Promise<void> {
    let failure: unknown;
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** A folder that is removed at the end. */
  async folder(name: string): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), `agent-lite-${name}-`));
    this.add(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
    return path;
  }
}
