import { readFile } from 'node:fs/promises';

/** Linux tells processor time in ticks of 10 ms (USER_HZ, fixed for user space). */
const TICK_MICROSECONDS = 10_000;

export interface ProcessUse {
  /** Processor time of all threads so far, user and system, microseconds. */
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
}

/** What a process has used so far (Linux). Rejects where there is no such process. */
export async function processUse(pid: number): Promise<ProcessUse> {
  const [stat, status] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(`/proc/${pid}/status`, 'utf8')]);
  // "pid (comm) state ...": the name may hold spaces, so the last ")" ends it. utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const kilobytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return {
    cpuMicroseconds: (Number(fields[11]) + Number(fields[12])) * TICK_MICROSECONDS,
    residentBytes: kilobytes('VmRSS'),
    peakResidentBytes: kilobytes('VmHWM'),
  };
}
