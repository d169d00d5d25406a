import { join } from 'node:path';
import { VERSION } from '../contract/version.ts';
import type { AgentConfig, EdgePushConfig, HttpClientConfig, RemoteWriteConfig } from './config/types.ts';
import type { Clock, HttpClient, Logger, Metrics } from './model.ts';
import { deflate } from './platform/bytes.ts';
import { fileVersion } from './platform/file-version.ts';
import { createTextFile } from './platform/text-file.ts';
import { createPusher, type Pusher, type PusherStatus } from './push/pusher.ts';
import { createRemoteWriter, cursorName, type RemoteWriter, type RemoteWriterStatus } from './remote-write/writer.ts';
import type { Log } from './wal/options.ts';

export interface ReceiversOptions {
  readonly log: Log;
  /** Throws {@link TypeError} where the settings cannot work at all. */
  readonly httpClient: (config: HttpClientConfig) => HttpClient;
  readonly clock: Clock;
  readonly loggerOf: (component: string) => Logger;
  readonly metrics: Metrics;
  /** Where the pusher keeps what it knows of the clock. */
  readonly storagePath: string;
}

export interface Receivers {
  /**
   * Makes these the receivers. An unchanged one goes on undisturbed; a changed one goes on from its cursor; the cursor of one
   * that is gone is dropped. Rejects, before anything changes, where the settings cannot work.
   */
  apply(config: AgentConfig): Promise<void>;
  edge(): PusherStatus | undefined;
  remoteWrite(): readonly RemoteWriterStatus[];
  /** Sends what it can within `deadlineMs`; the rest waits in the log. */
  stop(deadlineMs: number): Promise<void>;
}

type Sender = { readonly kind: 'edge'; readonly loop: Pusher } | { readonly kind: 'remote_write'; readonly loop: RemoteWriter };

interface Running {
  /** Equal for settings that send alike. */
  readonly key: string;
  readonly sender: Sender;
  readonly http: HttpClient;
}

const EDGE_CURSOR = 'edge';
/** What a changed receiver may take to finish the request under way. */
const HANDOVER_MS = 5_000;

/** All that the log is sent to: the edge, and receivers of plain remote write. Each has its own durable cursor in the log. */
export function createReceivers(options: ReceiversOptions): Receivers {
  const { log, httpClient, clock, loggerOf, metrics, storagePath } = options;
  /** By cursor. */
  const running = new Map<string, Running>();
  const clockStore = createTextFile(join(storagePath, 'clock.json'));

  function edge(config: EdgePushConfig, { global }: AgentConfig, http: HttpClient): Sender {
    const { url, pushIntervalMs, remoteTimeoutMs, dropPushDown } = config;
    const token = config.http.authorization?.credentials;
    const loop = createPusher({
      ...{ reader: log, http, url, pushIntervalMs, remoteTimeoutMs, dropPushDown, clock, clockStore, metrics, deflate },
      externalLabels: global.externalLabels,
      receiver: EDGE_CURSOR,
      logger: loggerOf('push'),
      version: VERSION,
      tokenVersion: async () => (token?.kind === 'file' ? fileVersion(token.path) : ''),
    });
    return { kind: 'edge', loop };
  }

  function remoteWrite(config: RemoteWriteConfig, { global }: AgentConfig, http: HttpClient): Sender {
    const loop = createRemoteWriter({
      ...{ config, reader: log, http, clock, metrics },
      externalLabels: global.externalLabels,
      logger: loggerOf('remote_write'),
      version: VERSION,
    });
    return { kind: 'remote_write', loop };
  }

  /** The receivers of a configuration by their cursors; those that are there already as they are. */
  function wanted(config: AgentConfig): Map<string, Running> {
    const all = new Map<string, Running>();
    const add = (cursor: string, settings: { readonly http: HttpClientConfig }, sender: (http: HttpClient) => Sender): void => {
      const key = JSON.stringify([settings, config.global.externalLabels]);
      const before = running.get(cursor);
      if (before?.key === key) {
        all.set(cursor, before);
        return;
      }
      const http = httpClient(settings.http);
      all.set(cursor, { key, http, sender: sender(http) });
    };
    const { edgePush } = config;
    if (edgePush !== undefined) add(EDGE_CURSOR, edgePush, (http) => edge(edgePush, config, http));
    for (const receiver of config.remoteWrite) add(cursorName(receiver), receiver, (http) => remoteWrite(receiver, config, http));
    return all;
  }

  async function end(ending: readonly Running[], deadlineMs: number): Promise<void> {
    await Promise.all(ending.map(({ sender }) => sender.loop.stop(deadlineMs)));
    for (const { http } of ending) http.close();
  }

  return {
    async apply(config) {
      const next = wanted(config);
      const before = [...running];
      await end(
        before.filter(([cursor, receiver]) => next.get(cursor) !== receiver).map(([, receiver]) => receiver),
        HANDOVER_MS,
      );
      // Before any of them moves its cursor: nothing may be deleted that a new one has not read.
      await log.retainCursors([...next.keys()]);
      running.clear();
      for (const [cursor, receiver] of next) {
        running.set(cursor, receiver);
        if (!before.some(([, known]) => known === receiver)) receiver.sender.loop.start();
      }
    },
    edge() {
      const sender = running.get(EDGE_CURSOR)?.sender;
      return sender?.kind === 'edge' ? sender.loop.status() : undefined;
    },
    remoteWrite: () => [...running.values()].flatMap(({ sender }) => (sender.kind === 'remote_write' ? [sender.loop.status()] : [])),
    stop: (deadlineMs) => end([...running.values()], deadlineMs),
  };
}
