import { Counter, type OpenMetricsContentType, Registry } from 'prom-client';
import type { AgentEvents } from '../../../agent-lite/browser/events.ts';
import {
  type BrowserAgent,
  type BrowserAgentOptions,
  type BrowserAgentStatus,
  type Clock,
  createAgent,
} from '../../../agent-lite/index.ts';
import { createWebClock } from '../../../agent-lite/platform/clock-web.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';
import { untilIdle } from './idle.ts';

/** Agents of this page by a number. */

export interface AgentSettings extends Omit<BrowserAgentOptions, 'targets' | 'clock' | 'logger'> {
  readonly targets: readonly TargetSettings[];
  /** A clock that {@link advance} moves, which begins at this wall time, ms; undefined: the browser's. */
  readonly manualFrom?: number;
}
export type TargetSettings =
  | Exclude<BrowserAgentOptions['targets'][number], { readonly metrics: unknown }>
  /** `counter`: `handed_out_total` counts its own scrapes. `noise`: the same, and a thousand series that no compression helps. `prom-client`: as its registry tells it. `hanging`, `failing`. */
  | {
      readonly kind: 'counter' | 'noise' | 'prom-client' | 'openmetrics' | 'hanging' | 'failing';
      readonly job: string;
      readonly scrapeIntervalMs: number;
    };

interface PageAgent {
  readonly agent: BrowserAgent;
  readonly clock: ManualClock | undefined;
  readonly logger: FakeLogger;
  readonly roles: string[];
  readonly pushes: AgentEvents['push'][];
  scrapes: number;
}

const agents: PageAgent[] = [];
/** Values that the target `counter` has told, in order. */
const told: number[] = [];
let toldBefore = 0;
/** An earlier life of the page has told so many already. */
export function goOnFrom(count: number): void {
  toldBefore = count;
}
function tellNext(): number {
  const value = toldBefore + told.length + 1;
  told.push(value);
  return value;
}

export function create({ targets, manualFrom, ...options }: AgentSettings): number {
  const clock =
    manualFrom === undefined ? undefined : new ManualClock({ now: manualFrom, bootId: crypto.randomUUID().replaceAll('-', '') });
  const logger = new FakeLogger();
  const agent = createAgent({
    ...options,
    targets: targets.map(target),
    logger,
    ...(clock === undefined ? {} : { clock: asInBrowsers(clock) }),
  });
  const made: PageAgent = { agent, clock, logger, roles: [], pushes: [], scrapes: 0 };
  agent.on('role', ({ role }) => made.roles.push(role));
  agent.on('push', (push) => made.pushes.push(push));
  agent.on('scrape', () => made.scrapes++);
  return agents.push(made) - 1;
}

/** Its token is a function: the one given, until that is refused. */
export function createAsking({ tokenAfterRefusal, ...settings }: AgentSettings & { readonly tokenAfterRefusal: string }): number {
  let { token } = settings.edgePush;
  const ask = ({ refused }: { readonly refused: boolean }): string => {
    if (refused) token = tokenAfterRefusal;
    return String(token);
  };
  return create({ ...settings, edgePush: { ...settings.edgePush, token: ask } });
}

/** Boots are told apart as a page does it, by how the two clocks move. */
function asInBrowsers(clock: ManualClock): Clock {
  const randomId = (): string => crypto.randomUUID().replaceAll('-', '');
  const web = createWebClock({ monotonic: () => clock.boot(), wall: () => clock.now(), randomId });
  return {
    ...{ now: web.now, boot: web.boot, sleep: (ms, signal) => clock.sleep(ms, signal), random: () => clock.random() },
    get bootId() {
      return web.bootId;
    },
  };
}

function target(settings: TargetSettings): BrowserAgentOptions['targets'][number] {
  if (!('kind' in settings)) return settings;
  const { kind, ...rest } = settings;
  switch (kind) {
    case 'counter':
      return {
        ...rest,
        metrics: () => {
          return `# TYPE handed_out_total counter\nhanded_out_total ${tellNext()}\n`;
        },
      };
    case 'noise':
      return {
        ...rest,
        metrics: () => {
          const noise = Array.from({ length: 1000 }, (_, i) => `noise{i="${i}"} ${Math.random()}\n`);
          return `handed_out_total ${tellNext()}\n${noise.join('')}`;
        },
      };
    case 'prom-client': {
      const register = new Registry();
      const clicks = new Counter({ name: 'clicks_total', help: 'Clicks.', labelNames: ['button'], registers: [register] });
      clicks.inc({ button: 'buy "now"' }, 3);
      return { ...rest, metrics: () => register.metrics(), contentType: register.contentType };
    }
    case 'openmetrics': {
      const register = new Registry<OpenMetricsContentType>();
      register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
      new Counter({ name: 'taps', help: 'Taps.', registers: [register] }).inc(2);
      return { ...rest, metrics: () => register.metrics(), contentType: register.contentType };
    }
    case 'hanging':
      return { ...rest, metrics: () => new Promise<string>(() => undefined) };
    case 'failing':
      return {
        ...rest,
        metrics: () => {
          throw new Error('the registry is broken');
        },
      };
  }
}

function find(id: number): PageAgent {
  const found = agents[id];
  if (found === undefined) throw new RangeError(`no agent ${id}`);
  return found;
}

export const start = (id: number): Promise<void> => find(id).agent.start();
export const stop = (id: number, deadlineMs?: number): Promise<void> => find(id).agent.stop(deadlineMs);
export const flush = (id: number): Promise<{ readonly waiting: number }> => find(id).agent.flush();
export const status = (id: number): BrowserAgentStatus => find(id).agent.status();
export const roles = (id: number): readonly string[] => find(id).roles;
export const pushes = (id: number): readonly AgentEvents['push'][] => find(id).pushes;
export const scrapes = (id: number): number => find(id).scrapes;
export const logged = (id: number): string => JSON.stringify(find(id).logger.lines);
/** The wall clock alone: somebody sets it, or the machine slept and the other clock stood still. */
export const stepWall = (id: number, ms: number): void => find(id).clock?.stepWall(ms);
/** Timers that were due meanwhile fire together, late, as after a sleep. */
export async function wakeAfter(id: number, ms: number): Promise<void> {
  await find(id).clock?.sleepThrough(ms);
  await untilIdle();
}
export const handedOut = (): readonly number[] => told;

/** In steps of a second, each of which is over when the database and the network have done what was asked of them. */
export async function advance(id: number, ms: number): Promise<void> {
  const { clock } = find(id);
  if (clock === undefined) throw new TypeError('this agent has the clock of the browser');
  for (let left = ms; left > 0; left -= 1000) {
    await clock.advance(Math.min(left, 1000));
    await untilIdle();
  }
}
