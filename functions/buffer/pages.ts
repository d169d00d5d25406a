/** One page of a listing. Stores may return fewer keys than asked for, even none, and still have more. */
export interface Page {
  readonly keys: readonly string[];
  /** Where the next page goes on; undefined: this was the last one. */
  readonly next: string | undefined;
}

/** Follows the pages up to `limit` keys. `page` gets the cursor of the page before, and how many keys are still wanted. */
export async function followPages(
  page: (cursor: string | undefined, wanted: number) => Promise<Page>,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  while (keys.length < limit) {
    const { keys: more, next } = await page(cursor, limit - keys.length);
    for (const key of more) keys.push(key);
    if (next === undefined) break;
    cursor = next;
  }
  return keys.length > limit ? keys.slice(0, limit) : keys;
}
