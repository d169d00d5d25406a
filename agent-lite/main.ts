import { runCommandLine } from './cli/run.ts';
import { startLean } from './platform/lean-start.ts';

/** The program `agent-lite`. Log lines and errors go to stderr, what was asked for to stdout. */

startLean();

// A reader of our output that went away must not end the agent.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const code = await runCommandLine(process.argv.slice(2), {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  env: process.env,
  events: process,
  exit: (code) => process.exit(code),
});
// Everything is closed by now; a connection that lingers in a keep-alive pool must not hold the process.
process.exit(code);
