import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';

/** Whether 127.0.0.1:`port` can be listened on now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/** The process that listens on `port`, where the system tells (Linux, own processes); else undefined. */
export async function portHolder(port: number): Promise<PortHolder | undefined> {
  const inode = (await listeningInodes(port))[0];
  if (inode === undefined) return undefined;
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    for (const fd of await readdir(`/proc/${entry}/fd`).catch(() => [])) {
      const link = await readlink(`/proc/${entry}/fd/${fd}`).catch(() => '');
      if (link !== `socket:[${inode}]`) continue;
      const command = await readFile(`/proc/${entry}/comm`, 'utf8').catch(() => 'unknown');
      return { pid: Number(entry), command: command.trim() };
    }
  }
  return undefined;
}

/** /proc/net/tcp: "sl local_address rem_address st ... inode"; addresses in hex, state 0A listens. */
async function listeningInodes(port: number): Promise<readonly string[]> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes: string[] = [];
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[1]?.endsWith(suffix) && columns[3] === '0A' && columns[9] !== undefined) inodes.push(columns[9]);
    }
  }
  return inodes;
}

/** Throws where `port` is taken, with who holds it and what to do. `flag` is the command line's name for the port. */
export async function demandFreePort(port: number, what: string, flag: string): Promise<void> {
  if (await isPortFree(port)) return;
  const holder = await portHolder(port);
  const by = holder === undefined ? 'another program' : `pid ${holder.pid} (${holder.command})`;
  const advice =
    holder?.command === 'workerd'
      ? `It looks like the runtime of an edge whose runner was killed: end it with "kill ${holder.pid}"`
      : 'Stop it';
  throw new Error(`port ${port} for the ${what} is already taken by ${by}. ${advice}, or choose another port with ${flag}.`);
}

/** Children of `parent` by name, e.g. `workerd`. Linux only; elsewhere empty. */
export async function childPids(parent: number, command: string): Promise<readonly number[]> {
  const pids: number[] = [];
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    // "pid (comm) state ppid ...": the name may hold spaces and parentheses, so the last ")" ends it.
    const end = stat.lastIndexOf(')');
    const name = stat.slice(stat.indexOf('(') + 1, end);
    const ppid = Number(stat.slice(end + 2).split(' ')[1]);
    if (ppid === parent && name === command) pids.push(Number(entry));
  }
  return pids;
}
