import { findProgram } from '../../../infra/local/find-program.ts';

interface Skipping {
  skip(note?: string): never;
}

/** Debian's packages whose name is not the program's. */
const PACKAGES: Readonly<Record<string, string>> = { vmagent: 'victoria-metrics' };

/**
 * The path of a program that a test needs. Where it is missing the test is skipped, loudly; in CI it fails, so that nothing
 * is left unproved there.
 */
export function needProgram(context: Skipping, name: string): string {
  const path = findProgram(name);
  if (path !== undefined) return path;
  return missing(context, `${name} is not installed (Debian: apt-get install ${PACKAGES[name] ?? name})`);
}

/** The path of a Node 18, from the environment; `infra/ci/debian-node.sh DIR` fetches Debian's and prints it. */
export function needNode18(context: Skipping): string {
  const path = process.env['NODE18'];
  if (path !== undefined && path !== '') return path;
  return missing(context, 'NODE18 is not set (NODE18=$(sh infra/ci/debian-node.sh DIR) brings the one of Debian 12)');
}

function missing(context: Skipping, message: string): never {
  if (process.env['CI'] === 'true') throw new Error(`${message}; in CI every end-to-end test must run`);
  console.warn(`\n*** SKIPPED: ${message}; this end-to-end test proves nothing here ***\n`);
  return context.skip(message);
}
