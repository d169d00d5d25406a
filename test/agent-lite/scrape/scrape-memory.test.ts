import { describe, expect, it } from 'vitest';
import { ScrapeMemory } from '../../../agent-lite/scrape/scrape-memory.ts';

describe('turns of first scrapes', () => {
  it.each([
    { name: 'one after another where they come at once', at: [1000, 1000, 1000], waits: [0, 50, 100] },
    { name: 'none has to wait where they come apart', at: [1000, 1050, 2000], waits: [0, 0, 0] },
    { name: 'a late one waits for what is left', at: [1000, 1000, 1080, 1200], waits: [0, 50, 20, 0] },
  ])('$name', ({ at, waits }) => {
    const memory = new ScrapeMemory();
    expect(at.map((nowMs) => memory.untilTurn(nowMs, 50))).toEqual(waits);
  });
});
