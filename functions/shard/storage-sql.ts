import type { Sql, SqlValue } from './ledger.ts';

/** A Durable Object's SQLite. Its calls throw once the platform has started another instance: that is the shard's fence. */
export function storageSql(storage: DurableObjectStorage): Sql {
  return {
    exec: (query, ...bindings) => storage.sql.exec<Record<string, SqlStorageValue>>(query, ...bindings.map(exactBuffer)).toArray(),
    transaction: (work) => storage.transactionSync(work),
    sync: () => storage.sync(),
  };
}

/** The platform takes whole buffers, not views of larger ones. */
const exactBuffer = (value: SqlValue): SqlStorageValue => (value instanceof Uint8Array ? Uint8Array.from(value).buffer : value);
