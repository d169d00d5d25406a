import { randomBytes } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';

const NAME = 'DEVICE_TOKEN_KEY';
const LINE = /^\s*DEVICE_TOKEN_KEY\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))\s*$/m;

/**
 * The key of device tokens: `DEVICE_TOKEN_KEY` of the environment where it is set (to make tokens for a deployed edge), else
 * of `file`, `.dev.vars` as a rule, which `wrangler dev` reads too: one `NAME="value"` a line. The file is made on first use,
 * readable only by its owner, and git-ignored.
 */
export async function loadDeviceTokenKey(file: string): Promise<string> {
  const fromEnvironment = process.env[NAME] ?? '';
  return fromEnvironment === '' ? keyOfFile(file) : fromEnvironment;
}

async function keyOfFile(file: string): Promise<string> {
  const existing = await readKey(file);
  if (existing !== undefined) return existing;
  // Written beside and linked into place, so that two programs that start at once end with one whole file.
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, `${NAME}="${randomBytes(32).toString('hex')}"\n`, { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  const made = await readKey(file);
  if (made === undefined)
    throw new Error(`${file}: expected a line ${NAME}="...", found none. Add one, or remove the file to have it made anew.`);
  return made;
}

async function readKey(file: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const match = LINE.exec(text);
  const key = match?.[1] ?? match?.[2] ?? match?.[3];
  if (key === undefined) return undefined;
  if (key.length < 32) throw new Error(`${file}: ${NAME} has ${key.length} characters, expected at least 32`);
  return key;
}
