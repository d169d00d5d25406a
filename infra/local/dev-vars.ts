import { randomBytes } from 'node:crypto';
import { appendFile, link, readFile, unlink, writeFile } from 'node:fs/promises';

/**
 * Secrets of the local edge: from the environment where they are set (to make tokens for a deployed edge), else from `file`,
 * `.dev.vars` as a rule, which `wrangler dev` reads too: one `NAME="value"` a line. They are made on first use; the file is
 * readable only by its owner, and git-ignored.
 */
export const loadDeviceTokenKey = (file: string): Promise<string> => load(file, 'DEVICE_TOKEN_KEY');
/** See {@link loadDeviceTokenKey}. */
export const loadAdminToken = (file: string): Promise<string> => load(file, 'ADMIN_TOKEN');
/** Undefined where `file` has none: nothing is made. */
export const readAdminToken = (file: string): Promise<string | undefined> => readSecret(file, 'ADMIN_TOKEN');

type Name = 'DEVICE_TOKEN_KEY' | 'ADMIN_TOKEN';

async function load(file: string, name: Name): Promise<string> {
  const fromEnvironment = process.env[name] ?? '';
  return fromEnvironment === '' ? secretOfFile(file, name) : fromEnvironment;
}

async function secretOfFile(file: string, name: Name): Promise<string> {
  const existing = await readSecret(file, name);
  if (existing !== undefined) return existing;
  const line = `${name}="${randomBytes(32).toString('hex')}"\n`;
  if (!(await create(file, line))) await appendFile(file, `${await lineBreak(file)}${line}`);
  // The first line counts: of two programs that add one at once, both take the same.
  const made = await readSecret(file, name);
  if (made === undefined)
    throw new Error(`${file}: expected a line ${name}="...", found none. Add one, or remove the file to have it made anew.`);
  return made;
}

/** Written beside and linked into place, so that two programs that start at once end with one whole file. */
async function create(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await unlink(draft);
  }
}

const lineBreak = async (file: string): Promise<string> => (/(^|\n)$/.test(await readFile(file, 'utf8')) ? '' : '\n');

async function readSecret(file: string, name: Name): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const match = new RegExp(`^\\s*${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|(\\S+))\\s*$`, 'm').exec(text);
  const secret = match?.[1] ?? match?.[2] ?? match?.[3];
  if (secret === undefined) return undefined;
  if (secret.length < 32) throw new Error(`${file}: ${name} has ${secret.length} characters, expected at least 32`);
  return secret;
}
