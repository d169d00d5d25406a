import { UsageError } from '../local/arguments.ts';
import { checkConfig } from './check-config.ts';
import { deadLetters } from './dead-letters.ts';
import type { Rim } from './rim.ts';

export const USAGE = `Usage: npm run -s relay -- COMMAND [OPTIONS]

What the edge's operator does by hand.

  check-config FILE             checks a relay.yml
  dead-letters list             what receivers refused for good, and why: by tenant, oldest first
  dead-letters show ID          one of them with its series
  dead-letters replay ID ...    sends them to the receiver again; each is kept until the receiver has taken it
  dead-letters drop ID ...      deletes them

Options of dead-letters:
  --edge URL         the edge (default http://127.0.0.1:8787)
  --token-file FILE  holds the edge's ADMIN_TOKEN; else the environment variable ADMIN_TOKEN; else, for an edge on this machine,
                     the one in .dev.vars
  --tenant T         only letters of this tenant (list, and with --all)
  --all              list, replay or drop every letter; list alone stops at 100
  --json             list and show as JSON, a line for each letter

Exit code: 0 all went well; 1 something did not, such as a replay that is refused or a configuration with errors; 2 the command
line is wrong.`;

/** Runs a command line; returns the exit code. */
export async function runRelay(args: readonly string[], rim: Rim): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    rim.out(`${USAGE}\n`);
    return 0;
  }
  const [command, ...rest] = args;
  try {
    if (command === 'check-config') return await checkConfig(rest, rim);
    if (command === 'dead-letters') return await deadLetters(rest, rim);
    throw new UsageError(`expected check-config or dead-letters, got ${command === undefined ? 'nothing' : JSON.stringify(command)}`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof UsageError) {
      rim.err(`${message}\n\n${USAGE}\n`);
      return 2;
    }
    rim.err(`${message}\n`);
    return 1;
  }
}
