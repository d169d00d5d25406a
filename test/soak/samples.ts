import { readdir } from 'node:fs/promises';
import { residentBytes } from '../load/memory.ts';

/** One look at a process. */
export interface ProcessSample {
  /** Since the soak began. */
  readonly seconds: number;
  /** Which life of the program: another after each restart. */
  readonly pid: number;
  readonly residentBytes: number;
  readonly fileDescriptors: number;
}

/** What a process keeps after its garbage was collected. */
export interface HeapSample {
  readonly seconds: number;
  readonly pid: number;
  readonly bytes: number;
}

/** Undefined where the process is gone, or the system does not tell (it must be Linux). */
export async function lookAt(pid: number, seconds: number): Promise<ProcessSample | undefined> {
  const [bytes, descriptors] = await Promise.all([residentBytes(pid), readdir(`/proc/${pid}/fd`).catch(() => undefined)]);
  if (bytes === undefined || descriptors === undefined) return undefined;
  return { seconds, pid, residentBytes: bytes, fileDescriptors: descriptors.length };
}
