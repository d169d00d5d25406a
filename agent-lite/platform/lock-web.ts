/** A Web Lock that is held. It ends with the page or worker, however that ends. */
export interface HeldLock {
  release(): void;
  /** Aborted where somebody stole it. */
  readonly lost: AbortSignal;
}

/**
 * Takes an exclusive Web Lock of this origin. Without `wait`: undefined where it is taken. With it: when it is free, or
 * undefined where `wait` aborts before. Only secure contexts (https, localhost) have Web Locks.
 */
export function takeLock(locks: LockManager, name: string, wait?: AbortSignal): Promise<HeldLock | undefined> {
  const lost = new AbortController();
  return new Promise((resolve, reject) => {
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (lock === null) {
        resolve(undefined);
        return undefined;
      }
      return new Promise((release) => resolve({ release, lost: lost.signal }));
    };
    const options: LockOptions = wait === undefined ? { ifAvailable: true } : { signal: wait };
    locks.request(name, options, hold).catch((cause: unknown) => {
      if (wait?.aborted) resolve(undefined);
      // After it was granted this changes nothing but `lost`.
      lost.abort();
      reject(cause);
    });
  });
}
