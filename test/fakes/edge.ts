import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { type HttpClient, HttpError, type HttpFailure, type HttpRequest, type HttpResponse } from '../../agent-lite/model.ts';
import { FormatError } from '../../contract/binary.ts';
import { ABSENT, type Cells } from '../../contract/cells.ts';
import { decodePush, type UndecodedPush } from '../../contract/decode-push.ts';
import { formatLabels, type Labels, labelsKey } from '../../contract/labels.ts';
import { likeRows } from '../../contract/like-rows.ts';
import { type WireLimits, wireLimits } from '../../contract/limits.ts';
import {
  type AnswerCode,
  answerStatus,
  encodeAnswer,
  type Gap,
  isPlain,
  type LogId,
  type Point,
  PUSH_CONTENT_TYPE,
  PUSH_PATH,
  type PushAnswer,
  TABLE_PATH,
} from '../../contract/push.ts';
import { REPORT_ROWS } from '../../contract/report-series.ts';
import { decodeTable, hashTable, type Row, rebuild, type TableHash } from '../../contract/series-table.ts';
import { decodeTableForm, isShortForm } from '../../contract/table-form.ts';

export type Behaviour =
  | 'ok'
  /** The request never arrives. */
  | 'lose_request'
  /** It is acted upon, and the answer is lost. */
  | 'lose_answer'
  | { readonly fail: HttpFailure; readonly message: string; readonly cause?: unknown }
  /** An answer of the edge, instead of acting. `named` false: it could not read the request. */
  | {
      readonly code: AnswerCode;
      readonly named?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
      readonly message?: string;
      readonly unknownTables?: readonly TableHash[];
    }
  /** An answer of somebody else. */
  | { readonly status: number; readonly type: string; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

export interface StoredSample {
  readonly ms: number;
  /** 16 hex digits. */
  readonly bits: string;
  /** That it came by, where that is not 0. */
  readonly stream?: number;
}

export interface FakeEdgeOptions {
  /** The edge's clock, ms. */
  readonly now: () => number;
  readonly limits?: WireLimits;
  /** Scrapes beyond this are refused, ms; default 10 minutes. */
  readonly futureMs?: number;
}

const POINTS_KEPT = 16;

/**
 * The edge in one object: it speaks the push protocol as the real one does, and is as strict. What it stores can be looked at.
 * `script` says how the next requests fare; after that all go well, or as `always` says.
 */
export class FakeEdge implements HttpClient {
  readonly script: Behaviour[] = [];
  always: Behaviour = 'ok';
  /** Records that are refused as malformed although they decode. */
  refuse: (labels: Labels, sample: StoredSample) => boolean = () => false;
  /** More than this many samples in a push are too large. */
  maxSamples = Number.POSITIVE_INFINITY;
  minPushIntervalMs = 0;
  /** How late samples may be behind newer ones, ms. */
  freshWindowMs = 0;

  readonly requests: HttpRequest[] = [];
  readonly pushes: UndecodedPush[] = [];
  readonly answers: AnswerCode[] = [];
  readonly tables = new Map<TableHash, readonly Row[]>();
  /** By log_id and stream. */
  readonly logs = new Map<string, readonly Point[]>();
  readonly series = new Map<string, StoredSample[]>();
  readonly gaps: Gap[] = [];
  /** Points acknowledged to somebody, by log. */
  readonly acknowledged: { readonly logId: LogId; readonly to: Point }[] = [];
  /** Samples that came at or before an earlier one of their series and stream. */
  disorder = 0;
  readonly #now: () => number;
  readonly #limits: WireLimits;
  readonly #futureMs: number;

  constructor(options: FakeEdgeOptions) {
    this.#now = options.now;
    this.#limits = options.limits ?? wireLimits;
    this.#futureMs = options.futureMs ?? 600_000;
  }

  close(): void {}

  async request(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    if (request.signal?.aborted) throw new HttpError('aborted', 'the request was given up');
    // The script is about pushes and uploads; a HEAD only looks.
    const behaviour = request.method === 'HEAD' ? this.always : (this.script.shift() ?? this.always);
    if (typeof behaviour === 'object') {
      if ('fail' in behaviour) throw new HttpError(behaviour.fail, behaviour.message, { cause: behaviour.cause });
      if ('status' in behaviour) {
        const { status, type, body, headers } = behaviour;
        return { status, headers: { 'content-type': type, ...headers }, body: Buffer.from(body) };
      }
      const push = request.url.endsWith(PUSH_PATH) && behaviour.named !== false ? this.#read(request) : undefined;
      const { code, message = 'as the script says', unknownTables = [] } = behaviour;
      return this.#answer({ code, message, unknownTables }, push, behaviour.headers);
    }
    if (behaviour === 'lose_request') throw new HttpError('network', 'connection refused');
    const response = await this.#act(request);
    if (behaviour === 'lose_answer') throw new HttpError('timeout', 'no answer in time');
    return response;
  }

  async #act(request: HttpRequest): Promise<HttpResponse> {
    const path = new URL(request.url).pathname;
    if (request.method === 'POST' && path === PUSH_PATH) return this.#push(request);
    const hash = path.startsWith(TABLE_PATH) ? path.slice(TABLE_PATH.length) : '';
    if (!/^[0-9a-f]{32}$/.test(hash)) return { status: 404, headers: { 'content-type': 'text/plain' }, body: Buffer.from('not found') };
    if (request.method === 'HEAD')
      return { status: this.tables.has(hash) ? 200 : 404, headers: { 'content-type': PUSH_CONTENT_TYPE }, body: new Uint8Array(0) };
    return this.#putTable(request, hash);
  }

  async #putTable(request: HttpRequest, hash: TableHash): Promise<HttpResponse> {
    try {
      const body = this.#body(request, this.#limits.tableBytes);
      const sha256 = (given: Uint8Array): Uint8Array => createHash('sha256').update(given).digest();
      const bytes = isShortForm(body) ? (await decodeTableForm(body, sha256, this.#limits)).bytes : body;
      const actual = await hashTable(bytes, sha256);
      if (actual !== hash) throw new FormatError(`the path says ${hash}, the bytes have ${actual}`);
      this.tables.set(hash, decodeTable(bytes, this.#limits));
      return this.#answer({ code: 'stored', message: '' }, undefined);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return this.#answer({ code: 'malformed', message: error.message }, undefined);
    }
  }

  #push(request: HttpRequest): HttpResponse {
    let push: UndecodedPush;
    try {
      push = this.#read(request);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return this.#answer({ code: 'malformed', message: error.message }, undefined);
    }
    this.pushes.push(push);
    const verdict = this.#decide(push);
    if (verdict.code === 'stored') this.acknowledged.push({ logId: push.logId, to: push.to });
    return this.#answer({ message: '', ...verdict }, push);
  }

  #decide(push: UndecodedPush): Partial<PushAnswer> & { readonly code: AnswerCode } {
    const unknownTables = [...new Set(push.targets.flatMap(({ table }) => (table === undefined || this.tables.has(table) ? [] : [table])))];
    if (unknownTables.length > 0) return { code: 'unknown_tables', unknownTables };
    const now = this.#now();
    const found: { labels: Labels; samples: StoredSample[] }[] = [];
    try {
      for (const target of push.targets) {
        if (target.times.some((ms) => ms > now + this.#futureMs)) return { code: 'clock', message: 'too far in the future' };
        collect(found, target.labels, target.times, REPORT_ROWS, target.report);
        if (target.table === undefined && target.inlineForm.length === 0) continue;
        const rows = target.table === undefined ? target.decodeInline() : (this.tables.get(target.table) ?? []);
        collect(found, target.labels, target.times, rows, target.decodeCells(rows.length, likeRows(rows)));
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { code: 'malformed', message: error.message };
    }
    for (const { labels, samples } of found)
      for (const sample of samples) {
        if (sample.ms > now + this.#futureMs) return { code: 'clock', message: 'too far in the future' };
        if (this.refuse(labels, sample)) return { code: 'malformed', message: `cannot take ${formatLabels(labels)}` };
      }
    if (found.reduce((sum, { samples }) => sum + samples.length, 0) > this.maxSamples) return { code: 'too_large', message: 'too large' };

    const name = `${push.logId}/${push.stream}`;
    const points = this.logs.get(name);
    const stored = points?.[0];
    if (stored === undefined ? push.to.position === push.base.position : same(push.to, stored)) return { code: 'stored' };
    if (stored !== undefined && !(same(push.base, stored) && push.to.position > push.base.position))
      return { code: 'conflict', stored, points: points?.slice(1) ?? [] };
    for (const { labels, samples } of found) this.#keep(labels, samples, push.stream);
    this.gaps.push(...push.gaps);
    this.logs.set(name, [push.to, ...(points ?? [])].slice(0, POINTS_KEPT));
    return { code: 'stored' };
  }

  #keep(labels: Labels, samples: readonly StoredSample[], stream: number): void {
    const key = labelsKey(labels);
    const list = this.series.get(key) ?? [];
    this.series.set(key, list);
    for (const sample of samples) {
      const last = list.findLast((stored) => (stored.stream ?? 0) === stream);
      if (last !== undefined && sample.ms <= last.ms) this.disorder++;
      list.push(stream === 0 ? sample : { ...sample, stream });
    }
  }

  #read(request: HttpRequest): UndecodedPush {
    return decodePush(this.#body(request, this.#limits.pushInflatedBytes), this.#limits);
  }

  #body({ headers, body }: HttpRequest, limit: number): Uint8Array<ArrayBuffer> {
    if (headers['content-type'] !== PUSH_CONTENT_TYPE) throw new FormatError(`content-type: got ${headers['content-type']}`);
    if (body !== undefined && isPlain(body) && headers['content-encoding'] === undefined) return new Uint8Array(body);
    if (headers['content-encoding'] !== 'deflate') throw new FormatError(`content-encoding: got ${headers['content-encoding']}`);
    if ((body?.length ?? 0) > this.#limits.pushBytes) throw new FormatError('body: too large');
    try {
      return new Uint8Array(inflateSync(body ?? new Uint8Array(0), { maxOutputLength: limit }));
    } catch (cause) {
      throw new FormatError('body: not deflated', { cause });
    }
  }

  #answer(
    given: Partial<PushAnswer> & { readonly code: AnswerCode },
    push: UndecodedPush | undefined,
    headers: Readonly<Record<string, string>> = {},
  ): HttpResponse {
    this.answers.push(given.code);
    const answer: PushAnswer = {
      logId: push?.logId ?? '',
      position: push?.to.position ?? 0,
      message: '',
      edgeMs: this.#now(),
      unknownTables: [],
      stored: undefined,
      points: [],
      masks: [],
      minPushIntervalMs: this.minPushIntervalMs,
      freshWindowMs: this.freshWindowMs,
      ...given,
    };
    return { status: answerStatus[given.code], headers: { 'content-type': PUSH_CONTENT_TYPE, ...headers }, body: encodeAnswer(answer) };
  }
}

function collect(
  found: { labels: Labels; samples: StoredSample[] }[],
  target: Labels,
  times: readonly number[],
  rows: readonly Row[],
  cells: Cells,
): void {
  const view = new DataView(cells.words.buffer);
  rows.forEach((row, r) => {
    const own = cells.ownTimes?.get(r);
    const samples = times.flatMap((time, s): StoredSample[] => {
      const index = r * cells.scrapes + s;
      if (cells.states[index] === ABSENT) return [];
      const ms = cells.states[index] === 1 ? (own?.[s] ?? time) : time;
      return [
        {
          ms,
          bits: view
            .getBigUint64(8 * index, true)
            .toString(16)
            .padStart(16, '0'),
        },
      ];
    });
    if (samples.length > 0) found.push({ labels: rebuild(row, target), samples });
  });
}

const same = (a: Point, b: Point): boolean => a.position === b.position && a.chain === b.chain;
