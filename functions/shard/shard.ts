import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '../bindings.ts';
import { settingsOf, storeOf } from '../bundled.ts';
import { platformClock } from '../clock.ts';
import { defaultTenant } from '../config/defaults.ts';
import { tenantConfig } from '../config/parse.ts';
import { outgoingOf, receiversOf } from '../config/routes.ts';
import { storedShards } from '../fleet/layout.ts';
import { ShardRegistry } from '../fleet/registry.ts';
import { createOutlet } from '../forward/deliver.ts';
import type { Receiver } from '../forward/receiver.ts';
import { EdgeLog } from '../log.ts';
import type {
  AccountRequest,
  AccountResult,
  CommitRequest,
  CommitResult,
  DeviceStatus,
  DevicesRequest,
  DrainState,
  HandOverRequest,
  HandOverResult,
  Moved,
  Outlet,
  ReceiverClock,
  ShardMetrics,
  ShardStub,
  Verdict,
} from '../model.ts';
import { type NamedBindings, receiverOf } from '../send.ts';
import { isolateBudget } from './budget.ts';
import { ShardCore } from './core.ts';
import { parseShardName, type ShardName } from './keys.ts';
import { Ledger } from './ledger.ts';
import { bufferShare, shardLimits } from './limits.ts';
import { storageSql } from './storage-sql.ts';
import { WorkerCounts } from './worker-counts.ts';

/** When the settings are wrong the alarm tries again after this long, ms; stored data wait. */
const UNCONFIGURED_MS = 60_000;

/** The Durable Object `tenant/generation/index`: hands the platform to {@link ShardCore}. */
export class Shard extends DurableObject<Bindings> implements ShardStub {
  #core: ShardCore | undefined;
  #workerCounts: WorkerCounts | undefined;

  async commit(request: CommitRequest): Promise<CommitResult | Moved> {
    return this.#started().commit(request);
  }

  async handOver(request: HandOverRequest): Promise<HandOverResult> {
    return this.#started().handOver(request);
  }

  async drained(): Promise<DrainState> {
    return this.#started().drained();
  }

  async account(request: AccountRequest): Promise<AccountResult> {
    return this.#started().account(request);
  }

  async time(): Promise<ReceiverClock> {
    return this.#started().time();
  }

  async poke(): Promise<void> {
    await this.#started().poke();
  }

  async devices(request: DevicesRequest): Promise<readonly DeviceStatus[]> {
    return this.#started().devices(request);
  }

  async metrics(): Promise<ShardMetrics> {
    return this.#started().metrics();
  }

  async count(counts: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
    this.#workerCounts ??= new WorkerCounts(storageSql(this.ctx.storage));
    return this.#workerCounts.add(counts);
  }

  /** Never throws: an alarm that failed six times never comes again. */
  override async alarm(): Promise<void> {
    try {
      await this.#started().alarm();
    } catch (error) {
      log.error('alarm failed', { shard: this.ctx.id.name ?? '', error: String(error) });
      await this.ctx.storage.setAlarm(Date.now() + UNCONFIGURED_MS);
    }
  }

  #started(): ShardCore {
    this.#core ??= this.#start();
    return this.#core;
  }

  #start(): ShardCore {
    const { ctx, env } = this;
    const settings = settingsOf(env);
    if (!settings.ok) throw new Error(`settings: ${settings.error.join('; ')}`);
    const { config } = settings.value;
    log.configure(config.log);
    const opened = storeOf(settings.value, env);
    if (!opened.ok) throw new Error(`settings: ${opened.error.join('; ')}`);
    const sql = storageSql(ctx.storage);
    const name = ownName(ctx.id.name, new Ledger(sql));
    const receivers = receiversOf(config, name.tenant);
    // Not to be mistaken for receivers that are gone: what is stored waits.
    if (receivers === undefined) throw new Error(`settings: expected a route for tenant ${name.tenant}, which has a shard, got none`);
    const bindings = env as unknown as NamedBindings;
    // A tenant that is gone from the configuration sends nothing; what it stored is drained.
    const tenant = tenantConfig(config, name.tenant) ?? defaultTenant;
    return new ShardCore({
      name,
      shard: { ...config.shard, maxBufferBytes: bufferShare(tenant, config.shard) },
      limits: shardLimits(tenant, config.shard.shards),
      receivers: receivers.map((receiver) => ({ config: receiver, outlet: outletOf(receiverOf(receiver, name.tenant, bindings)) })),
      leading: outgoingOf(receivers).receiver,
      sql,
      store: opened.value.store,
      clock: platformClock,
      budget: isolateBudget,
      fleet: {
        registered: () => new ShardRegistry(opened.value.store).ofTenant(name.tenant),
        shards: () => storedShards(opened.value.store, name.tenant, name.generation),
        peer: (other) => env.SHARD.get(env.SHARD.idFromName(other)) as unknown as ShardStub,
      },
      setAlarm: (atMs) => ctx.waitUntil(ctx.storage.setAlarm(atMs)),
      waitUntil: (work) => ctx.waitUntil(work),
      onFatal: (error) => {
        log.error('shard ends', { shard: ctx.id.name ?? '', error: String(error) });
        ctx.abort(String(error));
      },
      log: (message, fields) => log.sampled(message, { shard: ctx.id.name ?? '', ...fields }),
    });
  }
}

const log = new EdgeLog((line) => console.log(line), Date.now);

/** An alarm's event may not tell the object its name, so the name is kept at the first event that does. */
function ownName(given: string | undefined, ledger: Ledger): ShardName {
  const kept = ledger.meta('shard');
  const text = given ?? kept;
  const name = text === undefined ? undefined : parseShardName(text);
  if (name === undefined) throw new Error(`shard: expected a name such as tenant/1/0, got ${text ?? 'none'}`);
  if (kept === undefined && given !== undefined) ledger.setMeta('shard', given);
  return name;
}

function outletOf(target: Receiver) {
  return (observe: (verdict: Verdict) => void): Outlet =>
    createOutlet(async (block) => {
      const verdict = await target.send(block);
      observe(verdict);
      return verdict;
    });
}
