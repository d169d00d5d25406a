/** What one request, or the lack of one, came to. */
export type Round =
  /** The edge has everything. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'sent'; readonly more: boolean; readonly minIntervalMs: number; readonly requestMs: number }
  /** Something was put right; the next request may leave at once. */
  | { readonly kind: 'again' }
  | Failed;

export interface Failed {
  readonly kind: 'failed';
  readonly message: string;
  /** `slow`: waiting alone will not help. */
  readonly pace: 'backoff' | 'slow';
  readonly retryAfterMs: number | undefined;
  /** `retryAfterMs` is the edge's own. */
  readonly believed: boolean;
  readonly cause: 'network' | 'edge' | 'unauthorized' | 'refused';
}

/** Worth trying again: no answer that counts, or an edge that cannot now. */
export const failed = (cause: 'network' | 'edge', message: string, retryAfterMs: number | undefined, believed: boolean): Failed => ({
  ...{ kind: 'failed', message, pace: 'backoff', retryAfterMs, believed, cause },
});

/** Somebody has to put something right. */
export const hopeless = (cause: 'unauthorized' | 'refused', message: string): Failed => ({
  ...{ kind: 'failed', message, pace: 'slow', retryAfterMs: undefined, believed: true, cause },
});
