import type { Point, Position } from '../../contract/push.ts';
import type { Clock, Logger, LogReader } from '../model.ts';
import type { Progress } from './progress.ts';

export interface CursorOptions {
  readonly name: string;
  readonly reader: LogReader;
  readonly clock: Pick<Clock, 'boot'>;
  readonly logger: Logger;
}

/** Each move is a write to flash; a process that is killed sends so much again. */
const INTERVAL_MS = 1_000;

/** The durable cursor of one receiver: it follows what is settled. */
export class Cursor {
  readonly #o: CursorOptions;
  #moving: Promise<void> | undefined;
  #movedMs = Number.NEGATIVE_INFINITY;

  constructor(options: CursorOptions) {
    this.#o = options;
  }

  get position(): Position {
    return this.#o.reader.cursor(this.#o.name).position;
  }

  /** Unless it was moved a moment ago. */
  moveSometimes(progress: Progress): void {
    if (this.#o.clock.boot() - this.#movedMs >= INTERVAL_MS) void this.moveTo(progress);
  }

  /** Up to what is settled when it gets there. Does not reject. */
  async moveTo(progress: Progress): Promise<void> {
    if (this.#moving === undefined && this.#next(progress) === undefined) return;
    this.#moving ??= this.#follow(progress);
    await this.#moving;
  }

  #next({ settled }: Progress): Point | undefined {
    return settled !== undefined && settled.position > this.position ? settled : undefined;
  }

  async #follow(progress: Progress): Promise<void> {
    const { reader, logger, clock, name } = this.#o;
    this.#movedMs = clock.boot();
    try {
      for (let to = this.#next(progress); to !== undefined; to = this.#next(progress)) await reader.moveCursor(name, to);
    } catch (error) {
      logger.log('error', 'The cursor in the log cannot be moved; samples may be sent twice', { err: String(error) });
    } finally {
      // In the same breath as the last look, so that nothing that settles meanwhile is overlooked.
      this.#moving = undefined;
    }
  }
}
