import { decodeWriteRequest, type WrittenSeries } from '../../contract/decode-remote-write.ts';
import { snappyUncompress } from '../../contract/snappy.ts';
import type {
  AccountRequest,
  AccountResult,
  CommitRequest,
  CommitResult,
  DeviceStatus,
  DevicesRequest,
  DrainState,
  HandOverResult,
  Moved,
  ReceiverClock,
  ShardMetrics,
  ShardStub,
} from '../../functions/model.ts';

/** A shard that remembers what it was given and answers what it is told to. */
export class FakeShard implements ShardStub {
  readonly requests: CommitRequest[] = [];
  readonly accounted: AccountRequest[] = [];
  accountResult: AccountResult = { kind: 'ok' };
  pokes = 0;
  asked = 0;
  clock: ReceiverClock = {};
  result: CommitResult | Moved | Error = { kind: 'stored', repeated: false };
  values: Record<string, number> = {};
  /** By name. */
  statuses: readonly DeviceStatus[] = [];
  /** Handed over by {@link count}. */
  counted: Record<string, number> = {};

  async commit(request: CommitRequest): Promise<CommitResult | Moved> {
    this.requests.push(request);
    if (this.result instanceof Error) throw this.result;
    return this.result;
  }
  async handOver(): Promise<HandOverResult> {
    return { devices: [] };
  }
  async drained(): Promise<DrainState> {
    return { closed: true, backlog: [] };
  }
  async account(request: AccountRequest): Promise<AccountResult> {
    this.accounted.push(request);
    return this.accountResult;
  }
  async time(): Promise<ReceiverClock> {
    this.asked++;
    if (this.result instanceof Error) throw this.result;
    return this.clock;
  }
  async poke(): Promise<void> {
    this.pokes++;
    if (this.result instanceof Error) throw this.result;
  }
  async devices({ device, after = '', limit }: DevicesRequest): Promise<readonly DeviceStatus[]> {
    if (this.result instanceof Error) throw this.result;
    return this.statuses.filter((one) => (device === undefined ? one.device > after : one.device === device)).slice(0, limit);
  }
  async metrics(): Promise<ShardMetrics> {
    if (this.result instanceof Error) throw this.result;
    return { values: this.values };
  }
  async count(counts: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
    if (this.result instanceof Error) throw this.result;
    for (const [name, value] of Object.entries(counts)) this.counted[name] = (this.counted[name] ?? 0) + value;
    return { ...this.counted };
  }
}

/** The series of a request's fragments, in order. */
export const seriesOf = (request: Pick<CommitRequest, 'fragments'> | undefined): readonly WrittenSeries[] =>
  (request?.fragments ?? []).flatMap(({ block, rawBytes }) => decodeWriteRequest(snappyUncompress(block, rawBytes)));
