import { formatLabels, type Labels } from '../../contract/labels.ts';
import { snappyUncompress } from '../../contract/snappy.ts';
import { decodeWriteRequest, type Series, type WriteRequest } from './remote-write.ts';
import { type Exemplar, labelFault, type Refusal, type Sample, Tsdb } from './tsdb.ts';

export interface FakeReceiverOptions {
  /**
   * prometheus: refuses the whole request with 400 at the first bad sample; skips series with bad labels silently (counted).
   * thanos: keeps the good part and answers 409.
   * mimir: keeps the good part and answers 400, with the name of the first fault.
   * victoriametrics: takes samples in any order; 400 and nothing kept for what it is told to refuse.
   */
  readonly kind: 'thanos' | 'prometheus' | 'mimir' | 'victoriametrics';
  /** Default 0: nothing out of order is taken. */
  readonly outOfOrderTimeWindowMs?: number;
  /** Default 10 minutes for prometheus, none for thanos, as the real ones. */
  readonly tooFarInFutureMs?: number;
  readonly now?: () => number;
  /** Tells its time by a `Date` header; by default it tells none. */
  readonly tellsDate?: boolean;
  /** Of a delay; default: real time passes. */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Samples of one request; more are 413. */
  readonly maxSamples?: number;
  /** Answers so to a tenant, without looking at the data. */
  readonly ofTenant?: (tenant: string) => Answer | undefined;
  /** Refuses series whose labels satisfy this for ever, by 400 or 409. */
  readonly refuses?: (labels: Labels) => boolean;
}

export type Behaviour =
  | { readonly kind: 'ok' }
  /** No connection. */
  | { readonly kind: 'down' }
  /** Answers without looking at the data. */
  | { readonly kind: 'status'; readonly status: number; readonly words?: string; readonly headers?: Readonly<Record<string, string>> }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Takes the data, then answers 500, closes the connection, or answers after `ms`. */
  | { readonly kind: 'store_then_500' }
  | { readonly kind: 'store_then_close' }
  /** Closes before anything is stored. */
  | { readonly kind: 'close' }
  | { readonly kind: 'delay'; readonly ms: number };

export interface RequestRecord {
  readonly tenant: string;
  readonly status: number;
  readonly samples: number;
  readonly bytes: number;
  readonly words: string;
}

export interface Answer {
  readonly status: number;
  readonly words: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const MAX_DECODED_BYTES = 32 * 1024 * 1024;
const sleepFor = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const WRITE_PATHS = ['/api/v1/receive', '/api/v1/write'];

/**
 * A remote-write 1.0 receiver as strict as the real ones, in memory and on any platform; {@link FakeReceiver} adds a server.
 * Keeps everything it took, and can be told to misbehave.
 */
export class InMemoryReceiver {
  readonly #options: FakeReceiverOptions;
  readonly #tenants = new Map<string, Tsdb>();
  readonly #next: Behaviour[] = [];
  #behaviour: Behaviour = { kind: 'ok' };
  /** Every request that was answered, oldest first. */
  readonly requests: RequestRecord[] = [];
  /** Series that Prometheus skips without an error. */
  readonly labelFaults: string[] = [];

  constructor(options: FakeReceiverOptions) {
    this.#options = options;
  }

  /** From now on. */
  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
  }

  /** For the next requests, one each, before what {@link behave} says. */
  behaveNext(...behaviours: readonly Behaviour[]): void {
    this.#next.push(...behaviours);
  }

  /** Of a tenant; empty string where no tenant header was sent. */
  tenant(name: string): Tsdb {
    let tsdb = this.#tenants.get(name);
    if (tsdb === undefined) {
      const { kind, now = Date.now } = this.#options;
      const { outOfOrderTimeWindowMs = 0, tooFarInFutureMs = kind === 'prometheus' ? 600_000 : 0 } = this.#options;
      const windowMs = kind === 'victoriametrics' ? Number.POSITIVE_INFINITY : outOfOrderTimeWindowMs;
      tsdb = new Tsdb({ outOfOrderTimeWindowMs: windowMs, tooFarInFutureMs, now });
      this.#tenants.set(name, tsdb);
    }
    return tsdb;
  }

  get tenants(): readonly string[] {
    return [...this.#tenants.keys()];
  }

  /** Lost without an error, of all tenants: a sender that is right never causes any. */
  get silentlyDropped(): number {
    return [...this.#tenants.values()].reduce((sum, { silentlyDropped }) => sum + silentlyDropped, 0) + this.labelFaults.length;
  }

  /** Stands in for the platform's fetch. */
  readonly fetch = async (url: string, init: FetchInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    const answer = await this.handle(new URL(url).pathname, init.method, headers, init.body, init.signal);
    if (answer === undefined) throw new TypeError('fetch failed: connection lost');
    const { status, words } = answer;
    const bodyless = status === 204 || status === 304;
    const { tellsDate = false, now = Date.now } = this.#options;
    const date = tellsDate ? { date: new Date(now()).toUTCString() } : {};
    return new Response(bodyless ? null : words, { status, headers: { ...date, ...answer.headers } });
  };

  /** Undefined: the connection is lost. */
  async handle(path: string, method: string, headers: Headers, body: Uint8Array, signal: AbortSignal): Promise<Answer | undefined> {
    const behaviour = this.#next.shift() ?? this.#behaviour;
    if (behaviour.kind === 'down' || behaviour.kind === 'close') return undefined;
    if (behaviour.kind === 'hang') {
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      return undefined;
    }
    if (behaviour.kind === 'status') {
      const { status, words = 'told to say so' } = behaviour;
      return this.#record('', 0, body, behaviour.headers === undefined ? { status, words } : { status, words, headers: behaviour.headers });
    }
    if (behaviour.kind === 'delay') await (this.#options.sleep ?? sleepFor)(behaviour.ms);
    const answer = this.#write(path, method, headers, body);
    if (behaviour.kind === 'store_then_close') return undefined;
    return behaviour.kind === 'store_then_500' ? { status: 500, words: 'told to say so after storing' } : answer;
  }

  #record(tenant: string, samples: number, body: Uint8Array, answer: Answer): Answer {
    this.requests.push({ tenant, status: answer.status, samples, bytes: body.length, words: answer.words });
    return answer;
  }

  #write(path: string, method: string, headers: Headers, body: Uint8Array): Answer {
    const tenant = headers.get('thanos-tenant') ?? '';
    const fault = this.#options.ofTenant?.(tenant) ?? protocolFault(path, method, headers);
    if (fault !== undefined) return this.#record(tenant, 0, body, fault);
    let request: WriteRequest;
    try {
      request = decodeWriteRequest(snappyUncompress(body, MAX_DECODED_BYTES));
    } catch (error) {
      return this.#record(tenant, 0, body, { status: 400, words: error instanceof Error ? error.message : String(error) });
    }
    const { series, metadata } = request;
    const samples = series.reduce((sum, one) => sum + one.samples.length, 0);
    if (samples > (this.#options.maxSamples ?? Number.POSITIVE_INFINITY)) {
      return this.#record(tenant, samples, body, { status: 413, words: 'too many samples' });
    }
    const answer = this.#append(this.tenant(tenant), series);
    if (answer.status < 300 || answer.status === 409) this.tenant(tenant).describe(metadata);
    return this.#record(tenant, samples, body, answer);
  }

  #append(tsdb: Tsdb, series: readonly Series[]): Answer {
    const { kind, refuses } = this.#options;
    const wholesale = kind === 'prometheus' || kind === 'victoriametrics';
    const good: [Labels, Sample][] = [];
    const refused = new Map<string, number>();
    for (const { labels, samples } of series) {
      const fault = labelFault(labels);
      if (fault !== undefined && kind === 'prometheus') {
        this.labelFaults.push(fault);
        continue;
      }
      for (const sample of samples) {
        const refusal: Refusal | string | undefined =
          fault ?? (refuses?.(labels) ? 'told to refuse this series' : tsdb.check(labels, sample));
        if (refusal === undefined) good.push([labels, sample]);
        else if (wholesale) return { status: 400, words: `${refusal}: ${formatLabels(labels)} at ${sample.ms}` };
        else refused.set(refusal, (refused.get(refusal) ?? 0) + 1);
      }
    }
    for (const [labels, sample] of good) tsdb.commit(labels, sample);
    const late = series.reduce((sum, { labels, exemplars }) => sum + this.#appendExemplars(tsdb, labels, exemplars), 0);
    if (late > 0 && kind === 'thanos') refused.set('out of order exemplar', late);
    const [first] = refused.keys();
    if (first !== undefined && kind === 'mimir') return { status: 400, words: `send data to ingesters: ${first} (${mimirCode(first)})` };
    if (refused.size > 0) return { status: 409, words: [...refused].map(wordsOf).join('; ') };
    return kind === 'prometheus' ? { status: 204, words: '' } : { status: 200, words: '' };
  }

  /** How many came too late. Prometheus only counts those, Thanos says so. */
  #appendExemplars(tsdb: Tsdb, labels: Labels, exemplars: readonly Exemplar[]): number {
    return exemplars.filter((exemplar) => tsdb.addExemplar(labels, exemplar) === 'out of order exemplar').length;
  }
}

const wordsOf = ([why, count]: readonly [why: string, count: number]): string =>
  `add ${count} ${why.endsWith('exemplar') ? 'exemplars' : 'samples'}: ${why}`;

function mimirCode(why: string): string {
  if (why === 'out of order sample') return 'err-mimir-sample-out-of-order';
  if (why === 'duplicate sample for timestamp') return 'err-mimir-sample-duplicate-timestamp';
  return why === 'out of bounds' || why === 'too old sample' ? 'err-mimir-sample-timestamp-too-old' : 'err-mimir-label-invalid';
}

/** The part of a fetch's options that a sender uses. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

function protocolFault(path: string, method: string, headers: Headers): Answer | undefined {
  if (!WRITE_PATHS.includes(path)) return { status: 404, words: `no such path: ${path}` };
  if (method !== 'POST') return { status: 405, words: 'expected POST' };
  const expected = { 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf', 'x-prometheus-remote-write-version': '0.1.0' };
  for (const [name, value] of Object.entries(expected)) {
    if (headers.get(name) !== value) return { status: 415, words: `${name}: expected ${value}, got ${headers.get(name)}` };
  }
  return headers.get('user-agent') === null ? { status: 400, words: 'expected a User-Agent' } : undefined;
}
