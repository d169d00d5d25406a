import { ByteReader, FormatError, LimitError } from '../../../contract/binary.ts';
import { err, ok, type Result } from '../../../contract/result.ts';
import type { SnappyDecoder } from '../../../contract/snappy.ts';
import type { Outgoing, RelayConfig } from '../../config/types.ts';
import type { CommitRequest, CommitResult, Fragment, Identity } from '../../model.ts';
import { MAX_RAW_BYTES } from '../assemble.ts';
import type { BlockWriter } from '../block-writer.ts';
import { readBody } from '../body.ts';
import type { SeriesRules } from '../labels.ts';
import type { LivingShapes } from '../living-shapes.ts';
import { bytesUntilCommitted, type MemoryBudget, type Reservation } from '../memory-budget.ts';
import { agreedTimeBySamples } from '../receiver-time.ts';
import { BUSY_RETRY_MS, CLOCKS_DISAGREE, DISPUTE_RETRY_MS, SHORT_OF_MEMORY } from '../reply.ts';
import { Tally } from '../tally.ts';
import { Collector, type Written } from './collector.ts';
import type { LabelCache } from './label-cache.ts';
import type { LineupCache } from './lineup.ts';
import { type Message, negotiate, UNSUPPORTED } from './negotiate.ts';
import type { PlainMemory } from './plain-request.ts';
import { readWriteRequest } from './series.ts';
import { readRequestV2 } from './series-v2.ts';

/** Where standard senders send to; the second is Thanos' path. */
export const WRITE_PATHS = ['/api/v1/write', '/api/v1/receive'] as const;
/** Of one request, uncompressed. Twice what vmagent packs at most; Prometheus stays below 1 MB. Held twice: as it came, and in fragments. */
export const MAX_WRITE_BYTES = 16 * 1024 * 1024;

export interface WriteDeps {
  readonly outgoing: Outgoing;
  readonly rules: SeriesRules;
  /** The tenant's. */
  readonly limits: RelayConfig['limits'];
  readonly memory: MemoryBudget;
  readonly snappy: SnappyDecoder;
  readonly block: BlockWriter;
  readonly plain: PlainMemory;
  readonly shapes: LivingShapes;
  /** For one configuration, like the rules. */
  readonly labels: LabelCache;
  /** Likewise. */
  readonly lineups: LineupCache;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** The receiver's time, ms; undefined where it is not known. */
  readonly receiverTime: () => Promise<number | undefined>;
  /** Stores in the device's shard; resolves after the outcome is durable. */
  readonly commit: (request: CommitRequest) => Promise<CommitResult>;
  /** Takes counts of requests that no shard hears of. */
  readonly count: (counts: Readonly<Record<string, number>>) => void;
}

/** The answer to a standard sender. */
export interface WriteReply {
  readonly status: 204 | 400 | 401 | 413 | 415 | 503;
  /** For people; empty with 204. */
  readonly message: string;
  readonly retryAfterMs?: number;
  /** It is not remote write, whatever it says it is. */
  readonly unreadable?: true;
  /** What the headers of remote write 2.0 say; absent for 1.0, which has none. */
  readonly written?: Readonly<Written>;
}

export const writeBusy = (message: string, retryAfterMs = BUSY_RETRY_MS): WriteReply => ({ status: 503, message, retryAfterMs });

const NOTHING: Written = { samples: 0, histograms: 0, exemplars: 0 };

/** A request that is ready to be stored: all that is held of it while its shard commits. */
interface Ready {
  readonly commit: CommitRequest;
  /** The answer, once it is stored. */
  readonly reply: WriteReply;
}

/** Uncompressed. What a request leaves in {@link WriteDeps.shapes} holds on to it; less than this is memory of `snappy`. */
const MAX_LIVING_BYTES = 2 * 1024 * 1024;

/**
 * `POST /api/v1/write`: remote write 1.0 and 2.0 as the specifications say. What is valid is stored before the answer; senders have no
 * positions, so what they repeat is stored again.
 * https://prometheus.io/docs/specs/prw/remote_write_spec/
 */
export async function handleWrite(request: Request, identity: Identity, deps: WriteDeps): Promise<WriteReply> {
  const message = negotiate(request.headers);
  if (message === undefined) return { status: 415, message: UNSUPPORTED };
  const memory = deps.memory.open();
  try {
    const ready = await prepare(request, message, identity, deps, memory);
    const { written = NOTHING, ...reply } = ready.ok ? await store(ready.value, deps, memory) : ready.error;
    return message === 'v1' ? reply : { ...reply, written };
  } finally {
    memory.release();
  }
}

async function prepare(
  request: Request,
  message: Message,
  identity: Identity,
  deps: WriteDeps,
  memory: Reservation,
): Promise<Result<Ready, WriteReply>> {
  const { pushBytes } = deps.limits;
  const body = await readBody(request, pushBytes, memory);
  if (!body.ok) {
    if (body.error === 'busy') return err(writeBusy(SHORT_OF_MEMORY));
    return err(body.error === 'too_large' ? tooLarge(`expected a body of at most ${pushBytes} bytes`) : malformed('the body ended early'));
  }
  const receiverMs = await deps.receiverTime();
  // From here on nothing is waited for: what is taken now is given back before another request goes on.
  const taken = takeContent(body.value, message, deps, memory);
  if (!taken.ok) return taken;
  const tally = new Tally();
  const collected = collectInTime(body.value, message, identity, deps, receiverMs, tally);
  if (!collected.ok) return collected;
  const { fragments, refusals, written, sketch } = collected.value;
  return ok({
    commit: { ...identity, fragments, sketch, counts: tally.take() },
    reply: refusals.any ? { status: 400, message: refusals.text(), written } : { status: 204, message: '', written },
  });
}

/** Memory for what the block holds. */
function takeContent(block: Uint8Array, message: Message, { limits }: WriteDeps, memory: Reservation): Result<void, WriteReply> {
  const limit = maxBytes(limits);
  const length = answering(() => new ByteReader(block).varint());
  if (!length.ok) return length;
  if (length.value > limit) return err(tooLarge(`expected at most ${limit} bytes after snappy, got ${length.value}`));
  const taken = memory.grow(length.value + outgoingBytes(message, length.value));
  if (taken !== 'taken') return err(taken === 'busy' ? writeBusy(SHORT_OF_MEMORY) : tooLarge('expected less at once'));
  return ok(undefined);
}

async function store({ commit, reply }: Ready, deps: WriteDeps, memory: Reservation): Promise<WriteReply> {
  const { fragments, counts } = commit;
  if (fragments.length === 0) {
    deps.count(counts);
    return reply;
  }
  // Many requests wait for one commit: what they came as is gone.
  memory.keep(bytesUntilCommitted(fragments));
  const result = await deps.commit(commit);
  if (result.kind === 'busy') return writeBusy(result.reason, result.retryAfterMs);
  if (result.kind === 'conflict') throw new Error('the shard answered a request without a log by a conflict');
  return reply;
}

/** Not asynchronous: what the block uncompresses to is good until another request uncompresses its own. */
function collectInTime(
  block: Uint8Array,
  message: Message,
  identity: Identity,
  deps: WriteDeps,
  receiverMs: number | undefined,
  tally: Tally,
): Result<Collected, WriteReply> {
  const content = answering(() => deps.snappy.uncompress(block, maxBytes(deps.limits)));
  if (!content.ok) return content;
  let unreadable: Result<never, WriteReply> | undefined;
  const agreedMs = agreedTimeBySamples(deps.now(), receiverMs, () => {
    const all = collect(content.value, message, identity, deps, Number.POSITIVE_INFINITY, new Tally());
    if (!all.ok) unreadable = all;
    return all.ok ? newestOf(all.value.fragments) : Number.NEGATIVE_INFINITY;
  });
  if (unreadable !== undefined) return unreadable;
  if (agreedMs === undefined) return err(writeBusy(CLOCKS_DISAGREE, DISPUTE_RETRY_MS));
  return collect(content.value, message, identity, deps, agreedMs + deps.limits.futureMs, tally);
}

type Collected = Pick<Collector, 'refusals' | 'written' | 'sketch'> & { readonly fragments: readonly Fragment[] };

/** What it keeps of each series is gone before the shard is waited for. */
function collect(
  content: Uint8Array,
  message: Message,
  { tenant, device }: Identity,
  { outgoing, rules, block, plain, shapes, labels, lineups, now }: WriteDeps,
  latestMs: number,
  tally: Tally,
): Result<Collected, WriteReply> {
  const nowMs = now();
  const { sendExemplars, sendMetadata, maxSamplesPerSend } = outgoing;
  const collector = new Collector(
    { tenant, device, rules, maxSamplesPerSend, block, plain, labels, lineups, latestMs, nowMs, sendExemplars, sendMetadata },
    tally,
    content,
  );
  const whole = answering(() => {
    for (const incoming of read(message, content, collector)) if (!collector.add(incoming)) return false;
    return collector.fits;
  });
  if (!whole.ok) return whole;
  if (!whole.value) return err(tooLarge('expected less at once'));
  const { refusals, written, sketch } = collector;
  const fragments = collector.finish();
  if (content.length <= MAX_LIVING_BYTES) shapes.keep(collector.shapes);
  return ok({ fragments, refusals, written, sketch });
}

/** What cannot be decoded is the sender's fault, and becomes an answer. */
function answering<T>(decode: () => T): Result<T, WriteReply> {
  try {
    return ok(decode());
  } catch (error) {
    if (error instanceof LimitError) return err(tooLarge(error.message));
    if (error instanceof FormatError) return err(malformed(error.message));
    throw error;
  }
}

/** Of a request, uncompressed. */
const maxBytes = ({ pushInflatedBytes }: WriteDeps['limits']): number => Math.min(MAX_WRITE_BYTES, pushInflatedBytes);

const newestOf = (fragments: readonly Fragment[]): number => Math.max(Number.NEGATIVE_INFINITY, ...fragments.map(({ maxMs }) => maxMs));

const read = (message: Message, bytes: Uint8Array, collector: Collector) =>
  message === 'v1'
    ? readWriteRequest(bytes, (from, to) => collector.addPlain(from, to))
    : readRequestV2(bytes, outgoingBytes(message, bytes.length));

/** About what fragments and label texts take. Those of 2.0 stand there once and go out with each series: 64 labels by references. */
const outgoingBytes = (message: Message, length: number): number =>
  message === 'v1' ? length : Math.min(MAX_RAW_BYTES, 1024 * 1024 + 16 * length);

const malformed = (message: string): WriteReply => ({ status: 400, message, unreadable: true });
const tooLarge = (message: string): WriteReply => ({ status: 413, message });
