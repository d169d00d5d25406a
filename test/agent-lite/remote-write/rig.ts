import { defaultRemoteWrite } from '../../../agent-lite/config/defaults.ts';
import type { QueueConfig, RemoteWriteConfig } from '../../../agent-lite/config/types.ts';
import { type HttpClient, HttpError, type HttpRequest, type LogReader } from '../../../agent-lite/model.ts';
import { createRemoteWriter, type RemoteWriter } from '../../../agent-lite/remote-write/writer.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { type Labels, labelsFromRecord, labelsKey } from '../../../contract/labels.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLog } from '../../fakes/log.ts';
import { FakeLogger } from '../../fakes/logger.ts';
import { FakeReceiver, type FakeReceiverOptions } from '../../fakes/receiver.ts';
import type { Sample } from '../../fakes/tsdb.ts';

export const NOW = Date.UTC(2026, 5, 1);

export interface Sent {
  readonly bootMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Leads a client's requests to a fake receiver. Timeouts run on the given clock. */
export function clientOf(receiver: FakeReceiver, clock: ManualClock, sent: Sent[] = []): HttpClient {
  return {
    async request({ method, url, headers, body = new Uint8Array(0), timeoutMs, signal }: HttpRequest) {
      sent.push({ bootMs: clock.boot(), headers, body });
      const gone = new AbortController();
      const ended = new AbortController();
      const timeout = clock.sleep(timeoutMs, ended.signal).then(() => new HttpError('timeout', 'no answer'));
      const aborted = new Promise<HttpError>((resolve) => {
        if (signal?.aborted) resolve(new HttpError('aborted', 'given up'));
        signal?.addEventListener('abort', () => resolve(new HttpError('aborted', 'given up')), { once: true });
      });
      const answer = receiver.fetch(url, { method, headers: { ...headers }, body, signal: gone.signal });
      try {
        const first = await Promise.race([answer, timeout, aborted]);
        if (first instanceof HttpError) throw first;
        return { status: first.status, headers: Object.fromEntries(first.headers), body: new Uint8Array(await first.arrayBuffer()) };
      } catch (error) {
        answer.catch(() => {});
        throw error instanceof HttpError ? error : new HttpError('network', String(error));
      } finally {
        gone.abort();
        ended.abort();
      }
    },
    close() {},
  };
}

export interface RigOptions {
  readonly kind?: FakeReceiverOptions['kind'];
  readonly receiverOptions?: Partial<FakeReceiverOptions>;
  readonly receiver?: FakeReceiver;
  readonly log?: FakeLog;
  /** Instead of `log`. */
  readonly reader?: LogReader;
  readonly clock?: ManualClock;
  readonly queue?: Partial<QueueConfig>;
  readonly config?: Partial<RemoteWriteConfig>;
  readonly externalLabels?: Labels;
}

export function rig(options: RigOptions = {}) {
  const clock = options.clock ?? new ManualClock({ now: NOW });
  const receiver =
    options.receiver ?? new FakeReceiver({ kind: options.kind ?? 'prometheus', now: () => clock.now(), ...options.receiverOptions });
  const log = options.log ?? new FakeLog('0000000b');
  const logger = new FakeLogger();
  const metrics = createRegistry();
  const sent: Sent[] = [];
  const config: RemoteWriteConfig = {
    ...{ name: 'r', url: 'http://receiver/api/v1/write?key=SECRET', remoteTimeoutMs: 30_000, writeRelabelConfigs: [] },
    sendExemplars: defaultRemoteWrite.sendExemplars,
    queueConfig: { ...defaultRemoteWrite.queue, ...options.queue },
    metadataConfig: { ...defaultRemoteWrite.metadata, send: false },
    http: {
      ...{ basicAuth: undefined, authorization: undefined, oauth2: undefined, proxyUrl: undefined, proxyFromEnvironment: false },
      ...{ noProxy: '', proxyConnectHeaders: [], followRedirects: true, headers: [] },
      tls: {
        ...{ ca: undefined, cert: undefined, key: undefined, serverName: undefined },
        ...{ insecureSkipVerify: false, minVersion: undefined, maxVersion: undefined },
      },
    },
    ...options.config,
  };
  const writer: RemoteWriter = createRemoteWriter({
    ...{ config, reader: options.reader ?? log, http: clientOf(receiver, clock, sent), clock, logger, metrics, version: 'test' },
    externalLabels: options.externalLabels ?? [],
  });
  /** Of the agent's own registry, by `name{labels}`; 0 where there is none. */
  const metric = (key: string): number => {
    const full = key.includes('{') ? key : `${key}{remote_name="r"}`;
    const line = metrics
      .expose('all')
      .split('\n')
      .find((text) => text.startsWith(`${full} `));
    return Number(line?.slice(full.length) ?? 0);
  };
  const dropped = (reason: string): number => metric(`agent_lite_remote_write_samples_dropped_total{remote_name="r",reason="${reason}"}`);
  const stored = (labels: Readonly<Record<string, string>>): readonly Sample[] =>
    receiver.tenant('').series.get(labelsKey(labelsFromRecord(labels)))?.samples ?? [];
  return { clock, receiver, log, logger, sent, writer, metric, dropped, stored };
}

/** Values of a series' samples, the last 64 bits as a number. */
export const valuesOf = (samples: readonly Sample[]): number[] =>
  samples.map(({ bits }) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, bits);
    return view.getFloat64(0);
  });
