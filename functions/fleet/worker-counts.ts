/**
 * What isolates of the Worker count themselves (answers, refused tokens, times) is kept in one object of the shards' class: numbers in
 * an isolate would be nonsense, since nobody can ask each isolate. Its name is no shard's, so no tenant and no registry knows it.
 */
export const WORKER_COUNTS = 'worker';
/** An isolate hands over what it has counted no more often than this, ms; one that ends loses what came since. */
export const COUNT_INTERVAL_MS = 10_000;
/** Counted by the watchdog, which runs in the Worker. */
export const TABLES_DELETED = 'relay_tables_deleted_total';
