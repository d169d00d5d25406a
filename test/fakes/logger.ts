import type { Level, Logger } from '../../agent-lite/model.ts';

/** Keeps what was logged. */
export class FakeLogger implements Logger {
  readonly lines: { readonly level: Level; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];

  log(level: Level, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ level, message, fields });
  }
  /** All messages of a level with their fields, for `toContain`. */
  text(level: Level): string {
    return this.lines
      .filter((line) => line.level === level)
      .map((line) => `${line.message} ${JSON.stringify(line.fields)}`)
      .join('\n');
  }
}
