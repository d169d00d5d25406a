import { describe, expect, it } from 'vitest';
import { Ending } from '../../agent-lite/ending.ts';
import type { Signal } from '../../agent-lite/model.ts';

/** What the agent relies on, of Node's and of its own. */
const kinds: readonly { name: string; make: () => { signal: Signal; abort: (reason?: unknown) => void } }[] = [
  {
    name: 'AbortController',
    make: () => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
    },
  },
  {
    name: 'Ending',
    make: () => {
      const ending = new Ending();
      return { signal: ending, abort: (reason) => ending.abort(reason) };
    },
  },
];

describe.each(kinds)('$name', ({ make }) => {
  it('tells listeners in order, once, with its reason', () => {
    const { signal, abort } = make();
    const told: string[] = [];
    signal.addEventListener('abort', () => told.push('first'));
    signal.addEventListener('abort', () => told.push('second'), { once: true });
    expect(signal.aborted).toBe(false);
    abort('why');
    abort('again');
    expect(told).toEqual(['first', 'second']);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe('why');
  });

  it('tells nobody who was removed, or came too late', () => {
    const { signal, abort } = make();
    const told: string[] = [];
    const gone = (): void => void told.push('gone');
    signal.addEventListener('abort', gone);
    signal.removeEventListener('abort', gone);
    signal.removeEventListener('abort', gone);
    abort();
    signal.addEventListener('abort', () => told.push('late'));
    abort();
    expect(told).toEqual([]);
  });

  it('tells the others where one removes itself', () => {
    const { signal, abort } = make();
    const told: string[] = [];
    const first = (): void => {
      signal.removeEventListener('abort', first);
      told.push('first');
    };
    signal.addEventListener('abort', first);
    signal.addEventListener('abort', () => told.push('second'));
    abort();
    expect(told).toEqual(['first', 'second']);
  });
});
