/** The durability of the read-write transactions that this page has begun since it was last asked. */
const begun: string[] = [];
const transaction = IDBDatabase.prototype.transaction;
IDBDatabase.prototype.transaction = function (...args) {
  const made = transaction.apply(this, args);
  if (made.mode === 'readwrite') begun.push(made.durability);
  return made;
};

export function takeDurabilities(): readonly string[] {
  return begun.splice(0);
}

/** Makes the next `count` transactions that write fail as they do where no space is left. */
export function failWrites(count: number): void {
  let left = count;
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...args) {
    if (left > 0 && this.name !== 'meta') {
      left--;
      throw new DOMException('the disk is full', 'QuotaExceededError');
    }
    return put.apply(this, args);
  };
}
