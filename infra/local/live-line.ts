/** One line that is written again in place on a terminal; other text scrolls above it. */
export class LiveLine {
  #shown = '';

  show(text: string): void {
    if (!process.stdout.isTTY) {
      process.stdout.write(`${text}\n`);
      return;
    }
    // Cut to the width: a line that wraps could not be cleared.
    this.#shown = text.slice(0, Math.max(20, (process.stdout.columns ?? 120) - 1));
    process.stdout.write(`\r\x1b[2K${this.#shown}`);
  }

  print(text: string): void {
    process.stdout.write(this.#shown === '' ? `${text}\n` : `\r\x1b[2K${text}\n${this.#shown}`);
  }

  end(): void {
    if (this.#shown !== '') process.stdout.write('\n');
    this.#shown = '';
  }
}
