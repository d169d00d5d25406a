import { deflateSync } from 'node:zlib';
import type { LogReader, StreamCursor } from '../../../agent-lite/model.ts';
import type { ClockStore } from '../../../agent-lite/push/clock-correction.ts';
// The pusher loads it with the first refusal; no manual clock waits for a file.
import '../../../agent-lite/push/fault.ts';
import { createPusher, type Pusher, type PusherOptions } from '../../../agent-lite/push/pusher.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { labelsFromRecord, labelsKey } from '../../../contract/labels.ts';
import type { Position } from '../../../contract/push.ts';
import { ManualClock, type ManualClockOptions } from '../../fakes/clock.ts';
import { FakeEdge, type FakeEdgeOptions, type StoredSample } from '../../fakes/edge.ts';
import { FakeLog } from '../../fakes/log.ts';
import { FakeLogger } from '../../fakes/logger.ts';

/** Beyond the build date, so that wall clocks are plausible. */
export const NOW = Date.UTC(2026, 5, 1);

export class MemoryClockStore implements ClockStore {
  text: string | undefined;
  saves = 0;
  load(): Promise<string | undefined> {
    return Promise.resolve(this.text);
  }
  save(text: string): Promise<void> {
    this.saves++;
    this.text = text;
    return Promise.resolve();
  }
}

export interface Rig {
  readonly clock: ManualClock;
  readonly edge: FakeEdge;
  readonly log: FakeLog;
  readonly logger: FakeLogger;
  /** Of the agent's own registry, by `name{labels}`; 0 where there is none. */
  metric(key: string): number;
  readonly store: MemoryClockStore;
  readonly pusher: Pusher;
  /** The samples that the edge has of one series. */
  stored(name: string, instance?: string): readonly StoredSample[];
}

export interface RigOptions extends Partial<Omit<PusherOptions, 'clock' | 'reader' | 'http'>> {
  readonly clock?: ManualClock;
  readonly clockOptions?: ManualClockOptions;
  readonly log?: FakeLog;
  /** Instead of `log`. */
  readonly reader?: LogReader;
  readonly edge?: FakeEdge;
  readonly edgeOptions?: Partial<FakeEdgeOptions>;
  /** The edge's time minus the device's at the start. */
  readonly skewMs?: number;
  readonly store?: MemoryClockStore;
}

export function rig(options: RigOptions = {}): Rig {
  const { clockOptions, edgeOptions, skewMs = 0, reader, ...rest } = options;
  const clock = options.clock ?? new ManualClock({ now: NOW, ...clockOptions });
  const bootAtStart = clock.boot();
  const wallAtStart = clock.now();
  const edge = options.edge ?? new FakeEdge({ now: () => wallAtStart + skewMs + clock.boot() - bootAtStart, ...edgeOptions });
  const log = options.log ?? new FakeLog('0000000a');
  const logger = new FakeLogger();
  const metrics = createRegistry();
  const metric = (key: string): number => {
    const line = metrics
      .expose('all')
      .split('\n')
      .find((text) => text.startsWith(`${key} `));
    return Number(line?.slice(key.length) ?? 0);
  };
  const store = options.store ?? new MemoryClockStore();
  const pusher = createPusher({
    url: 'http://edge',
    version: 'test',
    pushIntervalMs: 60_000,
    remoteTimeoutMs: 30_000,
    externalLabels: [],
    deflate: (bytes) => Promise.resolve(new Uint8Array(deflateSync(bytes))),
    ...rest,
    ...{ reader: reader ?? log, http: edge, clock, clockStore: store, logger, metrics },
  });
  const stored = (name: string, instance = 'a') =>
    edge.series.get(labelsKey(labelsFromRecord({ __name__: name, job: 'test', instance }))) ?? [];
  return { clock, edge, log, logger, metric, store, pusher, stored };
}

/** Whether these cursors have yet to pass a record. */
export const isOwed = (streams: readonly StreamCursor[], position: Position): boolean =>
  streams.some(({ at, end }) => position > at.position && (end === undefined || position <= end.position));

/** The number whose bits these are. */
export function numberOf(sample: StoredSample | undefined): number {
  return Buffer.from(sample?.bits ?? '', 'hex').readDoubleBE(0);
}
