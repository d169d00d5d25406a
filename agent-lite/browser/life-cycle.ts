/** What becomes of a page, as far as an agent has to know. */
export interface LifeCycle {
  /**
   * The last event that a page surely gets: hidden pages are frozen, discarded and killed without another. What is begun now, such as
   * a request with `keepalive`, comes to its end.
   */
  hidden(): void;
  /** Timers stand still from now on, until {@link back}; perhaps for ever. */
  frozen(): void;
  /** Seen again, no longer frozen, or with a network again. */
  back(): void;
  /** Something that a status shows has changed. */
  changed(): void;
}

/**
 * Tells until the returned function is called. In a worker there is only the network to be told of: it is frozen and ended with its
 * page, without a word.
 */
export function watchLifeCycle({ hidden, frozen, back, changed }: LifeCycle): () => void {
  const ended = new AbortController();
  const listen = (to: EventTarget | undefined, name: string, call: (event: Event) => void): void =>
    to?.addEventListener(name, call, { signal: ended.signal });
  const page = globalThis.document as Document | undefined;
  listen(page, 'visibilitychange', () => (page?.visibilityState === 'hidden' ? hidden() : back()));
  listen(page, 'freeze', frozen);
  listen(page, 'resume', back);
  // Into the cache of pages and out of it again, which is a freeze by another name. A page that ends says `hidden` as well.
  const isKept = (event: Event): boolean => 'persisted' in event && event.persisted === true;
  listen(globalThis, 'pagehide', (event) => (isKept(event) ? frozen() : hidden()));
  listen(globalThis, 'pageshow', (event) => (isKept(event) ? back() : undefined));
  listen(globalThis, 'online', () => {
    back();
    changed();
  });
  listen(globalThis, 'offline', changed);
  return () => ended.abort();
}
