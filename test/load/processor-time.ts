import { readFile } from 'node:fs/promises';

/** Linux counts in hundredths of a second towards programs, whatever the kernel does within. */
const TICKS_PER_SECOND = 100;

/**
 * Seconds of processor time of a process so far, all threads, or undefined where the system does not tell. Unlike a rate it hardly depends
 * on what else the machine does.
 */
export async function processorSeconds(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // "pid (comm) state ppid ...": fields 14 and 15 are user and system time; the name may hold spaces, so the last ")" ends it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : undefined;
}
