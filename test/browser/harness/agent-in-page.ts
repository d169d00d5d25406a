import type { Page } from 'playwright-core';
import type { AgentSettings } from '../page/agents.ts';
import { inPage } from './chromium.ts';

/** Agents in pages whose clock is moved by hand, and an edge that has the same time. */

/** What an edge takes for now, ms; moved by {@link advance}. */
export interface EdgeTime {
  ms: number;
}

/** So often an agent is let to do what is due, ms of its clock. */
const STEP_MS = 5_000;

/** An agent in a page, by its number there. */
export async function started(page: Page, settings: AgentSettings): Promise<number> {
  const id = await inPage(page, 'agents', 'create', settings);
  await inPage(page, 'agents', 'start', id);
  return id;
}

/** The page's clock and the edge's go on together. */
export async function advance(page: Page, id: number, ms: number, edge: EdgeTime, stepMs = STEP_MS): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    const step = Math.min(left, stepMs);
    edge.ms += step;
    await inPage(page, 'agents', 'advance', id, step);
  }
}
