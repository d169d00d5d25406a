import { describe, expect, it } from 'vitest';
import { keptToken, renewedToken } from '../../../agent-lite/browser/renewed-token.ts';
import { askedTokens, fixedToken, type TokenSource, withToken } from '../../../agent-lite/browser/token.ts';
import { type HttpClient, HttpError, type HttpRequest, type HttpResponse } from '../../../agent-lite/model.ts';
import { TOKEN_PATH } from '../../../contract/token.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';

const URL = 'https://edge.example.com';
const HOUR = 3_600_000;
const MINUTE = 60_000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = { 'content-type': 'application/json' };

/** An edge that takes some tokens, and exchanges them for the next: `t-1`, `t-2`. */
class TokenEdge implements HttpClient {
  readonly good = new Set(['given']);
  readonly requests: HttpRequest[] = [];
  renewal: HttpResponse | HttpError | undefined;
  #count = 0;
  async request(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    const token = (request.headers['authorization'] ?? '').replace('Bearer ', '');
    if (this.renewal instanceof HttpError) throw this.renewal;
    if (!this.good.has(token)) return { status: 401, headers: json, body: bytes('{"error":"the token is not valid"}') };
    if (!request.url.endsWith(TOKEN_PATH)) return { status: 200, headers: {}, body: bytes(token) };
    if (this.renewal !== undefined) return this.renewal;
    const fresh = `t-${++this.#count}`;
    this.good.add(fresh);
    return { status: 200, headers: json, body: bytes(JSON.stringify({ access_token: fresh, token_type: 'Bearer', expires_in: 3600 })) };
  }
  close(): void {}
  get renewals(): number {
    return this.requests.filter(({ url }) => url.endsWith(TOKEN_PATH)).length;
  }
}

class Files {
  readonly files = new Map<string, Uint8Array>();
  readFile = async (name: string) => this.files.get(name);
  replaceFile = async (name: string, content: Uint8Array) => void this.files.set(name, content);
}

function renewed({ edge = new TokenEdge(), token = 'given', files }: { edge?: TokenEdge; token?: string; files?: Files } = {}) {
  const clock = new ManualClock();
  const logger = new FakeLogger();
  const kept = files === undefined ? undefined : keptToken(files, token);
  const tokens = renewedToken({ token, url: URL, timeoutMs: 1000, http: edge, clock, logger, kept });
  return { edge, clock, logger, tokens, push: pushBy(edge, tokens) };
}
/** The token by which a push came through, or the status of its refusal. */
const pushBy = (http: HttpClient, tokens: TokenSource) => async (): Promise<string | number> => {
  const request = { method: 'POST', url: `${URL}/api/v1/push`, headers: {}, timeoutMs: 1000, maxBytes: 0 } as const;
  const { status, body } = await withToken(http, tokens).request(request);
  return status === 200 ? new TextDecoder().decode(body) : status;
};

describe('a renewed token', () => {
  it('is exchanged at the first use, and when half of its life is over', async () => {
    const { push, edge, clock, tokens } = renewed();
    expect(tokens.status()).toEqual({ ageMs: undefined, endsInMs: undefined, error: undefined });
    expect(await push()).toBe('t-1');
    expect(tokens.status()).toEqual({ ageMs: 0, endsInMs: HOUR, error: undefined });
    await clock.advance(30 * MINUTE - 1);
    expect([await push(), edge.renewals]).toEqual(['t-1', 1]);
    await clock.advance(1);
    expect([await push(), edge.renewals]).toEqual(['t-2', 2]);
    expect(edge.requests[0]).toMatchObject({ method: 'POST', url: `${URL}${TOKEN_PATH}`, headers: { authorization: 'Bearer given' } });
    expect(edge.requests[0]?.body).toBeUndefined();
  });

  it('is exchanged once for requests at the same time', async () => {
    const { push, edge } = renewed();
    expect([await Promise.all([push(), push(), push()]), edge.renewals]).toEqual([['t-1', 't-1', 't-1'], 1]);
  });

  it.each([
    ['without a network', new HttpError('network', 'no network'), /no network/],
    ['busy', { status: 503, headers: json, body: bytes('{"error":"later"}') }, /answered 503: later/],
    ["a portal's page", { status: 403, headers: { 'content-type': 'text/html' }, body: bytes('<html>') }, /answered 403$/],
    ['broken JSON', { status: 200, headers: json, body: bytes('{') }, /JSON/],
    ['a token with a line end', { status: 200, headers: json, body: bytes('{"access_token":"a\\nb","expires_in":60}') }, /printable ASCII/],
    ['a life of nothing', { status: 200, headers: json, body: bytes('{"access_token":"a","expires_in":0}') }, /answered 200/],
  ])('stays what it is where the answer is: %s; tried again after 10 s', async (_name, renewal, error) => {
    const { edge, clock, tokens, logger } = renewed();
    edge.renewal = renewal;
    expect([await tokens.current(), await tokens.current(), edge.renewals]).toEqual(['given', 'given', 1]);
    expect(tokens.status().error).toMatch(error);
    await clock.advance(10_000);
    edge.renewal = undefined;
    expect([await tokens.current(), edge.renewals, tokens.status().error]).toEqual(['t-1', 2, undefined]);
    expect(logger.lines).toHaveLength(1);
    expect(JSON.stringify(logger.lines)).not.toContain('given');
  });

  it('is not asked for again for an hour where the edge renews none of its kind', async () => {
    const { edge, clock, push } = renewed();
    edge.renewal = { status: 403, headers: json, body: bytes('{"error":"not renewed"}') };
    edge.good.add('given');
    for (let i = 0; i < 59; i++) {
      await push();
      await clock.advance(MINUTE);
    }
    expect(edge.renewals).toBe(1);
  });

  it('outlives the page where it is kept, for the same given token alone', async () => {
    const files = new Files();
    const edge = new TokenEdge();
    expect(await renewed({ edge, files }).push()).toBe('t-1');
    edge.good.delete('given');
    expect(await renewed({ edge, files }).push()).toBe('t-2');
    expect(JSON.stringify([...files.files.keys()])).toBe('["token.json"]');
    edge.good.add('another');
    expect(await renewed({ edge, files, token: 'another' }).push()).toBe('t-3');
    expect(edge.requests.filter(({ headers }) => headers['authorization'] === 'Bearer t-2')).toHaveLength(1);
  });

  it('falls back to the given one where the kept one is refused', async () => {
    const files = new Files();
    const edge = new TokenEdge();
    await renewed({ edge, files }).push();
    edge.good.delete('t-1');
    const { push, tokens } = renewed({ edge, files });
    const before = await tokens.version();
    expect(await push()).toBe('given');
    expect(await tokens.version()).not.toBe(before);
    expect(await push()).toBe('t-2');
  });

  it.each(['', '{', 'null', '{"given":"x","token":1}'])('does not mind a kept file of %j', async (text) => {
    const files = new Files();
    files.files.set('token.json', bytes(text));
    expect(await renewed({ files }).push()).toBe('t-1');
  });

  it('says that it is refused where there is no other', async () => {
    const { edge, push } = renewed();
    edge.good.clear();
    expect(await push()).toBe(401);
  });
});

describe('a token that the page finds', () => {
  it('is asked for before each request, and at once where it is refused', async () => {
    const edge = new TokenEdge();
    const asked: boolean[] = [];
    const push = pushBy(
      edge,
      askedTokens(({ refused }) => {
        asked.push(refused);
        return refused ? 'given' : 'old';
      }, new ManualClock()),
    );
    expect(await push()).toBe('given');
    expect(asked).toEqual([false, true]);
    expect(edge.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer old', 'Bearer given']);
  });

  it('is not sent again where it is the same', async () => {
    const edge = new TokenEdge();
    expect(
      await pushBy(
        edge,
        askedTokens(() => 'old', new ManualClock()),
      )(),
    ).toBe(401);
    expect(edge.requests).toHaveLength(1);
  });

  it('is looked for every 30 s while it is refused', async () => {
    const clock = new ManualClock();
    let token = 'old';
    let asked = 0;
    const tokens = askedTokens(() => {
      asked++;
      return token;
    }, clock);
    expect(await pushBy(new TokenEdge(), tokens)()).toBe(401);
    const version = await tokens.version();
    for (let i = 0; i < 5; i++) {
      await clock.advance(5_000);
      expect(await tokens.version()).toBe(version);
    }
    expect(asked).toBe(2);
    token = 'given';
    await clock.advance(5_000);
    expect(await tokens.version()).not.toBe(version);
    expect(tokens.status()).toEqual({ ageMs: 0, endsInMs: undefined, error: undefined });
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('the server is away')), /no token: the server is away/],
    ['is none', () => 'a\nb', /no token: .*printable ASCII/],
  ])('fails the request where it %s', async (_name, ask, error) => {
    const push = pushBy(new TokenEdge(), askedTokens(ask, new ManualClock()));
    await expect(push()).rejects.toThrow(error);
    await expect(push()).rejects.toMatchObject({ reason: 'credentials' });
  });
});

it('a fixed token is refused for good', async () => {
  const edge = new TokenEdge();
  expect(await pushBy(edge, fixedToken('given'))()).toBe('given');
  expect(await pushBy(edge, fixedToken('old'))()).toBe(401);
  expect(edge.requests).toHaveLength(2);
});
