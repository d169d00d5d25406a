import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A mistake in the command line: the program says it, shows its usage and exits with 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** `--name value` and `--name=value`; anything unknown is a {@link UsageError}. */
export function readFlags<T extends NonNullable<ParseArgsConfig['options']>>(options: T, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** A TCP port, 1 to 65535. */
export function readPort(flag: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) throw new UsageError(`${flag}: expected a port from 1 to 65535, got "${text}"`);
  return port;
}

export function readHttpUrl(flag: string, text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new UsageError(`${flag}: expected an http or https address, got "${text}"`);
  return text;
}

/** Runs a command's main function; a usage error exits with 2, any other with 1, both with a message of one line. */
export async function runCommand(usage: string, main: () => Promise<void>): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  try {
    await main();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof UsageError) {
      process.stderr.write(`${message}\n\n${usage}\n`);
      process.exit(2);
    }
    process.stderr.write(`${message}\n`);
    process.exit(1);
  }
}
