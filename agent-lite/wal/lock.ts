import { LogLockedError } from './store.ts';

/**
 * The lock of a directory is a file that says which process has it. A file outlives SIGKILL, so what counts is whether that
 * process still runs: same machine boot, same process id, and the same start time, since ids are given anew.
 *
 * Without /proc only the process id is compared: a lock is then never taken from a living process, but a new process with
 * the old id keeps it. Processes that do not see each other's ids (containers that share a volume) are not kept apart.
 */
export interface Owner {
  readonly pid: number;
  /** Clock ticks after boot, as /proc/PID/stat has it; '' where unknown. */
  readonly started: string;
  /** '' where unknown. */
  readonly boot: string;
}

/** What the lock needs of the platform. */
export interface LockHost {
  readonly place: string;
  self(): Promise<Owner>;
  /** The process that has this id now; undefined where there is none. `started` is '' where it cannot be told. */
  process(pid: number): Promise<{ readonly started: string } | undefined>;
  read(name: LockName): Promise<string | undefined>;
  /** False where the file exists. */
  create(name: LockName, text: string): Promise<boolean>;
  replace(name: LockName, text: string): Promise<void>;
  remove(name: LockName): Promise<void>;
}
/** `lock.takeover` is held for the moment in which a dead owner's lock is replaced, so that only one process does it. */
export type LockName = 'lock' | 'lock.takeover';

export async function acquireLock(host: LockHost): Promise<void> {
  const mine = JSON.stringify(await host.self());
  if (await host.create('lock', mine)) return;
  if (!(await host.create('lock.takeover', mine))) {
    const rival = parseOwner(await host.read('lock.takeover'));
    if (rival !== undefined && (await isAlive(host, rival))) throw locked(host, rival);
    await host.remove('lock.takeover');
    if (!(await host.create('lock.takeover', mine))) throw locked(host, parseOwner(await host.read('lock.takeover')));
  }
  try {
    const owner = parseOwner(await host.read('lock'));
    if (owner !== undefined && (await isAlive(host, owner))) throw locked(host, owner);
    await host.replace('lock', mine);
  } finally {
    await host.remove('lock.takeover');
  }
}

export async function ownsLock(host: LockHost): Promise<boolean> {
  return (await host.read('lock')) === JSON.stringify(await host.self());
}

/** The running process that has the lock, if any. Changes nothing. */
export async function lockHolder(host: LockHost): Promise<Owner | undefined> {
  const owner = parseOwner(await host.read('lock'));
  return owner !== undefined && (await isAlive(host, owner)) ? owner : undefined;
}

export async function releaseLock(host: LockHost): Promise<void> {
  if (await ownsLock(host)) await host.remove('lock');
}

function locked(host: LockHost, owner: Owner | undefined): LogLockedError {
  const who = owner === undefined ? 'another process' : `process ${owner.pid}`;
  return new LogLockedError(
    `${host.place}: expected to be its only user, but ${who} has locked it; stop that process or use another --storage.agent.path`,
  );
}

async function isAlive(host: LockHost, owner: Owner): Promise<boolean> {
  const self = await host.self();
  if (owner.boot !== '' && self.boot !== '' && owner.boot !== self.boot) return false;
  const found = await host.process(owner.pid);
  if (found === undefined) return false;
  return owner.started === '' || found.started === '' || owner.started === found.started;
}

/** Undefined: torn or not ours, so nobody's. */
function parseOwner(text: string | undefined): Owner | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, started, boot } = value as Partial<Record<keyof Owner, unknown>>;
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof started !== 'string' || typeof boot !== 'string') return undefined;
    return { pid: pid as number, started, boot };
  } catch {
    return undefined;
  }
}
