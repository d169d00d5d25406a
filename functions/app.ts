import { type Context, Hono } from 'hono';
import { routePath } from 'hono/route';
import { answerStatus, encodeAnswer, PUSH_CONTENT_TYPE, PUSH_PATH, TABLE_PATH } from '../contract/push.ts';
import { ok, type Result } from '../contract/result.ts';
import { TOKEN_PATH } from '../contract/token.ts';
import { VERSION } from '../contract/version.ts';
import { ADMIN_PATH, handleAdmin } from './admin/dead-letters.ts';
import { admit } from './auth/admit.ts';
import { verifySender } from './auth/basic.ts';
import { allowOrigin, preflight } from './auth/cors.ts';
import { describeRenewalRefusal, renewToken } from './auth/renew.ts';
import { bearer, equalSecrets } from './auth/secret.ts';
import { type AuthFailure, describeAuthFailure, type TokenHolder, verifyToken } from './auth/token.ts';
import type { Edge, Isolate, Tenant } from './edge.ts';
import type { SettingErrors } from './env.ts';
import { commitToShard } from './fleet/commit.ts';
import { gatherMetrics } from './fleet/shards.ts';
import { listTroubles } from './fleet/trouble.ts';
import { Waits } from './fleet/waits.ts';
import { COUNT_INTERVAL_MS, WORKER_COUNTS } from './fleet/worker-counts.ts';
import { ACK_DURATION, observeDuration } from './histogram.ts';
import { handlePush } from './ingest/push.ts';
import { hasTable, putTable } from './ingest/put-table.ts';
import { handleWrite, WRITE_PATHS, type WriteReply, writeBusy } from './ingest/remote-write/handler.ts';
import { writeResponse } from './ingest/remote-write/response.ts';
import { busy, limited, type Reply } from './ingest/reply.ts';
import { describeError } from './log.ts';
import type { AccountRequest, AccountResult, CommitRequest, CommitResult, Identity } from './model.ts';

/** Shards that /metrics asks and the watchdog wakes; the platform allows ten thousand calls from one request. */
export const MAX_SHARDS = 5_000;
/** After a failure of the edge itself. */
const FAILURE_RETRY_MS = 10_000;
const CONFIGURATION_RETRY_MS = 60_000;

/** Limits that hold for whatever the device sends next. */
const HELD_LIMITS: ReadonlySet<string> = new Set(['device_offences', 'device_ingestion_rate']);

/** Who sends, and what is configured for it. */
interface Session {
  readonly identity: Identity;
  readonly holder: TokenHolder;
  readonly tenant: Tenant;
}

/** The edge's HTTP interface. `edgeOf` gives what the bindings of a request stand for, or what is wrong with them. */
export function createApp<B extends object>(edgeOf: (bindings: B) => Result<Edge, SettingErrors>, isolate: Isolate) {
  type Variables = { requestId: string; sender?: Identity; acknowledged?: boolean; corsOrigins?: ReadonlySet<string> };
  type Env = { Bindings: B; Variables: Variables };
  type Ctx = Context<Env>;
  const app = new Hono<Env>();
  const { now, log, tally } = isolate;
  const waits = new Waits();
  let handedOverMs = Number.NEGATIVE_INFINITY;

  app.use(async (c, next) => {
    const requestId = isolate.newRequestId();
    c.set('requestId', requestId);
    const arrivedMs = now();
    await next();
    const ms = now() - arrivedMs;
    log.request(requestId, { method: c.req.method, route: routePath(c, -1), status: c.res.status, ms, ...c.get('sender') });
    if (c.get('acknowledged')) observeDuration((name, value) => tally.add(name, value), ACK_DURATION, '', ms);
    c.res.headers.set('x-relay-version', VERSION);
    c.res.headers.set('x-request-id', requestId);
    if (isForPages(c.req.path)) allowOrigin(c.res.headers, c.req.header('origin'), c.get('corsOrigins'));
    handOverInTime(c);
  });

  app.post(PUSH_PATH, (c) =>
    asDevice(c, ({ identity, tenant }, edge) =>
      handlePush(c.req.raw, identity, {
        ...tenant,
        tables: edge.tables,
        series: edge.series,
        memory: isolate.memory,
        ...isolate.workspace,
        now,
        receiverTime: () => receiverTime(c, edge, { identity, tenant }),
        afterwards: (work) => c.executionCtx.waitUntil(work),
        commit: (request) => commit(c, edge, { identity, tenant }, request),
      }),
    ),
  );

  for (const path of WRITE_PATHS) {
    app.post(path, async (c) => {
      const reply = await asSender(c);
      tally.add(`relay_write_answers_total{code="${reply.status}"}`);
      return writeResponse(reply);
    });
    app.all(path, () => methodNotAllowed('POST'));
  }

  // HEAD only: Hono hands HEAD requests to the route for GET.
  app.get(`${TABLE_PATH}:hash`, (c) => {
    if (c.req.method !== 'HEAD') return methodNotAllowed('HEAD, PUT');
    return asDevice(c, async ({ identity }, edge) => {
      const known = await hasTable(c.req.param('hash'), identity, edge.store);
      return { code: 'stored', message: '', status: known ? 200 : 404 };
    });
  });

  app.put(`${TABLE_PATH}:hash`, (c) =>
    asDevice(c, ({ identity, tenant }, edge) =>
      putTable(c.req.raw, c.req.param('hash'), identity, {
        store: edge.store,
        use: edge.tableUse,
        limits: tenant.limits,
        memory: isolate.memory,
        allowance: (table) => account(c, edge, { ...identity, table }),
      }),
    ),
  );

  app.post(TOKEN_PATH, (c) => renew(c));

  for (const path of [PUSH_PATH, `${TABLE_PATH}:hash`, TOKEN_PATH])
    app.options(path, (c, next) => {
      const edge = edgeOf(c.env);
      const answered = edge.ok ? preflight(c.req.raw, edge.value.corsOrigins) : undefined;
      return answered === undefined ? next() : Promise.resolve(answered);
    });

  app.get('/-/healthy', (c) => c.text('The relay is healthy.\n'));

  app.get('/-/ready', async (c) => {
    const edge = edgeOf(c.env);
    if (!edge.ok) return c.text(`The relay is not configured:\n${edge.error.map((line) => `${line}\n`).join('')}`, 500);
    let conflicts: readonly string[];
    try {
      const fault = await edge.value.checkStore();
      if (fault !== undefined) return c.text(`The bucket is of no use:\n${fault}\n`, 500);
      conflicts = await edge.value.layouts.conflicts();
    } catch (error) {
      log.error('bucket not reachable', { requestId: c.get('requestId'), error: describeError(error) });
      return c.text('The bucket is not reachable.\n', 503);
    }
    // Not for everybody: they say whose they are, and asking every shard is work.
    const faults = (await mayReadMetrics(c, edge.value)) ? [...conflicts, ...(await troubles(c, edge.value))] : [];
    return c.text(['The relay is ready.', ...faults].map((line) => `${line}\n`).join(''));
  });

  app.get('/metrics', async (c) => {
    const edge = edgeOf(c.env);
    if (!edge.ok) return failure(503, 'unavailable', 'the relay is not configured, see /-/ready');
    const { registry, shard } = edge.value;
    if (!(await mayReadMetrics(c, edge.value)))
      return failure(401, 'unauthorized', 'expected the header "Authorization: Bearer TOKEN"', { 'www-authenticate': 'Bearer' });
    const text = await gatherMetrics(await registry.list(MAX_SHARDS), shard, await handOver(edge.value), (name, error) =>
      log.error('shard did not give its metrics', { requestId: c.get('requestId'), shard: name, error: describeError(error) }),
    );
    return c.text(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  });

  app.all(`${ADMIN_PATH}*`, (c) => asAdmin(c));

  for (const path of [PUSH_PATH, TOKEN_PATH]) app.all(path, () => methodNotAllowed('POST'));
  app.all(`${TABLE_PATH}:hash`, () => methodNotAllowed('HEAD, PUT'));
  for (const path of ['/-/healthy', '/-/ready', '/metrics']) app.all(path, () => methodNotAllowed('GET, HEAD'));
  app.notFound(() => failure(404, 'not_found', 'no such path'));
  app.onError((error, c) => {
    log.error('request failed', { requestId: c.get('requestId'), path: c.req.routePath, error: describeError(error) });
    return failure(500, 'internal', 'the relay failed; its log has more under the x-request-id');
  });
  return app;

  /** Runs a handler of the device protocol for whoever the token names. Whatever happens, the device gets an answer it can read. */
  async function asDevice(c: Ctx, handle: (session: Session, edge: Edge) => Promise<Reply>): Promise<Response> {
    const edge = edgeOf(c.env);
    if (!edge.ok) return answer(busy('the edge is not configured', CONFIGURATION_RETRY_MS));
    const session = await authenticate(c, edge.value);
    if (!session.ok) return answer({ code: 'unauthorized', message: describeAuthFailure(session.error) });
    const { identity } = session.value;
    const wait = waits.find(identity, now());
    if (wait !== undefined) return answer(limited(wait.reason, wait.retryAfterMs));
    try {
      const work = handle(session.value, edge.value);
      // A sender that goes away must not stop a commit half way: the platform then gives it up to 30 s more.
      c.executionCtx.waitUntil(work.catch(() => {}));
      const reply = await work;
      if (reply.code === 'malformed') reportOffence(c, edge.value, identity);
      // A device learns from every answer; a clock that is in dispute is not to be learnt from.
      return answer(session.value.tenant.receiverTime.disputed ? { edgeMs: 0, ...reply } : reply);
    } catch (error) {
      log.error('request failed', { requestId: c.get('requestId'), path: c.req.routePath, error: describeError(error) });
      return answer(busy('the edge failed', FAILURE_RETRY_MS));
    }
  }

  /** The same for standard remote write, in answers that its senders know. */
  async function asSender(c: Ctx): Promise<WriteReply> {
    const edge = edgeOf(c.env);
    if (!edge.ok) return writeBusy('the edge is not configured', CONFIGURATION_RETRY_MS);
    const session = await authenticate(c, edge.value, verifySender);
    if (!session.ok) return { status: 401, message: describeAuthFailure(session.error) };
    const { identity, tenant } = session.value;
    const wait = waits.find(identity, now());
    if (wait !== undefined) return writeBusy(wait.reason, wait.retryAfterMs);
    try {
      const work = handleWrite(c.req.raw, identity, {
        ...tenant,
        memory: isolate.memory,
        ...isolate.workspace,
        ...edge.value.senders,
        now,
        receiverTime: () => receiverTime(c, edge.value, session.value),
        commit: (request) => commit(c, edge.value, session.value, request),
        count: (counts) => tally.addAll(counts),
      });
      c.executionCtx.waitUntil(work.catch(() => {}));
      const reply = await work;
      if (reply.unreadable) reportOffence(c, edge.value, identity);
      return reply;
    } catch (error) {
      log.error('request failed', { requestId: c.get('requestId'), path: c.req.routePath, error: describeError(error) });
      return writeBusy('the edge failed', FAILURE_RETRY_MS);
    }
  }

  async function authenticate(c: Ctx, edge: Edge, verify = verifyToken): Promise<Result<Session, AuthFailure>> {
    const { result, corsOrigins } = await admit({
      ...{ header: c.req.header('authorization'), origin: c.req.header('origin'), nowMs: now() },
      ...{ key: edge.settings.deviceTokenKey, known: edge.tokens, verify, tenantOf: edge.tenant },
    });
    if (corsOrigins !== undefined) c.set('corsOrigins', corsOrigins);
    if (result.ok) {
      const { holder, tenant } = result.value;
      const identity = { tenant: holder.tenant, device: holder.device };
      c.set('sender', identity);
      return ok({ identity, holder, tenant });
    }
    tally.add(`relay_auth_failures_total{reason="${result.error}"}`);
    log.sampled('authentication failed', { requestId: c.get('requestId'), reason: result.error });
    return result;
  }

  /** A fresh token for a page, while its own is good. */
  async function renew(c: Ctx): Promise<Response> {
    const edge = edgeOf(c.env);
    if (!edge.ok) return failure(503, 'unavailable', 'the edge is not configured');
    const session = await authenticate(c, edge.value);
    if (!session.ok) return failure(401, 'unauthorized', describeAuthFailure(session.error), { 'www-authenticate': 'Bearer' });
    const { holder, tenant } = session.value;
    const renewed = await renewToken(holder, tenant.browserTokens, edge.value.settings.deviceTokenKey, now());
    tally.add(`relay_token_renewals_total{result="${renewed.ok ? 'renewed' : renewed.error}"}`);
    if (!renewed.ok) return failure(403, 'forbidden', describeRenewalRefusal(renewed.error));
    return c.json(renewed.value, 200, { 'cache-control': 'no-store' });
  }

  /** Where no admin token is set there is no such path. */
  async function asAdmin(c: Ctx): Promise<Response> {
    const edge = edgeOf(c.env);
    if (!edge.ok) return failure(503, 'unavailable', 'the relay is not configured, see /-/ready');
    const { settings, store, send, devices } = edge.value;
    if (settings.adminToken === undefined) return failure(404, 'not_found', 'no such path');
    if (!(await equalSecrets(bearer(c.req.header('authorization')), settings.adminToken))) {
      tally.add('relay_auth_failures_total{reason="admin"}');
      log.sampled('admin authentication failed', { requestId: c.get('requestId') });
      return failure(401, 'unauthorized', 'expected the header "Authorization: Bearer TOKEN"', { 'www-authenticate': 'Bearer' });
    }
    const { receivers } = settings.config;
    const work = handleAdmin(c.req.raw, { store, receivers, devices, send, now, count: (metric) => tally.add(metric) });
    // A replay whose caller goes away is still brought to its end: taken and deleted, not taken and kept.
    c.executionCtx.waitUntil(work.catch(() => {}));
    const reply = await work;
    const headers = { 'cache-control': 'no-store' };
    if ('error' in reply)
      return failure(reply.status, reply.errorType, reply.error, reply.allow === undefined ? {} : { allow: reply.allow });
    return 'text' in reply ? c.text(reply.text, 200, headers) : c.json({ status: 'success', data: reply.data }, 200, headers);
  }

  /** Asks the device's shard, or tells it. One that does not answer stops nobody: then no push comes through either. */
  async function account(c: Ctx, edge: Edge, request: AccountRequest): Promise<AccountResult> {
    const { tenant, device } = request;
    try {
      const { name } = await edge.layouts.place({ tenant, device });
      const result = await edge.shard(name).account(request);
      hold({ tenant, device }, result);
      return result;
    } catch (error) {
      log.sampled('shard did not account', { requestId: c.get('requestId'), tenant, error: describeError(error) });
      return { kind: 'ok' };
    }
  }

  /** After the answer. */
  function reportOffence(c: Ctx, edge: Edge, identity: Identity): void {
    c.executionCtx.waitUntil(account(c, edge, { ...identity, offence: c.get('requestId') }));
  }

  function hold(identity: Identity, result: CommitResult | AccountResult): void {
    if (result.kind === 'busy' && result.limit !== undefined && HELD_LIMITS.has(result.limit)) waits.hold(identity, result, now());
  }

  function receiverTime(c: Ctx, edge: Edge, { identity, tenant }: Pick<Session, 'identity' | 'tenant'>): Promise<number | undefined> {
    return tenant.receiverTime.find(now, async () => {
      try {
        const { name } = await edge.layouts.place(identity);
        return (await edge.shard(name).time()).receiverMs;
      } catch (error) {
        // A push with samples will show what is wrong; an empty one must not wait for it.
        log.sampled('shard did not tell the time', { requestId: c.get('requestId'), tenant: identity.tenant, error: describeError(error) });
        return undefined;
      }
    });
  }

  async function mayReadMetrics(c: Ctx, { settings: { metricsToken } }: Edge): Promise<boolean> {
    return metricsToken === undefined || equalSecrets(bearer(c.req.header('authorization')), metricsToken);
  }

  /** Receivers that take nothing. The edge is ready all the same: it stores. */
  async function troubles(c: Ctx, edge: Edge): Promise<readonly string[]> {
    return listTroubles(await edge.registry.list(MAX_SHARDS), edge.shard, (name, error) =>
      log.error('shard did not give its metrics', { requestId: c.get('requestId'), shard: name, error: describeError(error) }),
    );
  }

  /** After the answer, and seldom: what this isolate has counted goes where all of it is kept. */
  function handOverInTime(c: Ctx): void {
    if (now() - handedOverMs < COUNT_INTERVAL_MS) return;
    const edge = edgeOf(c.env);
    if (!edge.ok) return;
    handedOverMs = now();
    c.executionCtx.waitUntil(handOver(edge.value));
  }

  /** @returns the totals of all isolates; undefined where they could not be reached: then nothing is lost, it goes with the next. */
  async function handOver({ shard }: Edge): Promise<Readonly<Record<string, number>> | undefined> {
    const counted = tally.take();
    try {
      return await shard(WORKER_COUNTS).count(counted);
    } catch (error) {
      tally.addAll(counted);
      log.sampled('counts could not be handed over', { error: describeError(error) });
      return undefined;
    }
  }

  /** Hands a push to its device's shard. */
  async function commit(
    c: Ctx,
    edge: Edge,
    { identity, tenant }: Pick<Session, 'identity' | 'tenant'>,
    request: CommitRequest,
  ): Promise<CommitResult> {
    let shard = '';
    let result: CommitResult;
    try {
      result = await commitToShard(identity, request, {
        ...edge,
        onPlace: ({ name, conflict }) => {
          shard = name;
          if (conflict !== undefined) tally.add(`relay_layout_conflicts_total{reason="${conflict}"}`);
        },
      });
    } catch (error) {
      log.error('shard failed', { requestId: c.get('requestId'), shard, error: describeError(error) });
      result = { kind: 'busy', retryAfterMs: FAILURE_RETRY_MS, reason: 'the shard did not answer' };
    }
    hold(identity, result);
    tenant.receiverTime.learn(result.receiverMs, now());
    if (result.kind === 'stored' && request.fragments.length > 0) c.set('acknowledged', true);
    return result;
  }

  function answer(reply: Reply): Response {
    tally.add(`relay_answers_total{code="${reply.code}"}`);
    const { status = answerStatus[reply.code], retryAfterMs, ...fields } = reply;
    const headers: Record<string, string> = { 'content-type': PUSH_CONTENT_TYPE, 'cache-control': 'no-store' };
    if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
    if (reply.code === 'unauthorized') headers['www-authenticate'] = 'Bearer';
    const body = encodeAnswer({ ...emptyAnswer, edgeMs: now(), ...fields });
    return new Response(new Uint8Array(body), { status, headers });
  }
}

/** Paths that pages of other origins may use. */
const isForPages = (path: string): boolean => path === PUSH_PATH || path === TOKEN_PATH || path.startsWith(TABLE_PATH);

const emptyAnswer = {
  logId: '',
  position: 0,
  message: '',
  unknownTables: [],
  stored: undefined,
  points: [],
  masks: [],
  minPushIntervalMs: 0,
  freshWindowMs: 0,
} as const;

/** An error outside the device protocol, in the form of Prometheus' HTTP interface. */
function failure(status: number, errorType: string, error: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ status: 'error', errorType, error }, { status, headers: { ...headers, 'cache-control': 'no-store' } });
}

const methodNotAllowed = (allow: string): Response => failure(405, 'method_not_allowed', `expected one of the methods ${allow}`, { allow });
