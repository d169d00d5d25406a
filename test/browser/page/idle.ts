/** Knows what this page waits for outside of itself: the database, the network, hashes. Replaces what it counts; so it comes first. */
let underWay = 0;

function counted<T>(work: Promise<T>): Promise<T> {
  underWay++;
  const done = (): void => {
    underWay--;
  };
  work.then(done, done);
  return work;
}

const plainFetch = globalThis.fetch;
globalThis.fetch = (...args) => counted(plainFetch(...args));

const plainDigest = crypto.subtle.digest;
crypto.subtle.digest = function (...args) {
  return counted(plainDigest.apply(this, args));
};

const plainTransaction = IDBDatabase.prototype.transaction;
IDBDatabase.prototype.transaction = function (...args) {
  const transaction = plainTransaction.apply(this, args);
  void counted(
    new Promise<void>((resolve) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => resolve());
    }),
  );
  return transaction;
};

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.onmessage = () => waiting.shift()?.();
/** A message comes when everything queued before it has run. */
const turn = (run: () => void): void => {
  waiting.push(run);
  channel.port2.postMessage(undefined);
};

/** The movable clock of the tests lets pending work run with it; pages have none. */
Object.assign(globalThis, { setImmediate: turn });

/** So many turns without anything under way: streams and body readers take a few that nobody counts. */
const QUIET_TURNS = 20;

export async function untilIdle(): Promise<void> {
  for (let quiet = 0; quiet < QUIET_TURNS; quiet = underWay === 0 ? quiet + 1 : 0) await new Promise<void>(turn);
}
