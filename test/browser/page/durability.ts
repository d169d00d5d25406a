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

let failing = 0;
const put = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (...args) {
  if (failing > 0 && this.name !== 'meta') {
    failing--;
    throw new DOMException('the disk is full', 'QuotaExceededError');
  }
  return put.apply(this, args);
};

/** Makes the next `count` writes fail as they do where no space is left; 0: none any more. */
export function failWrites(count: number): void {
  failing = count;
}
