import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultHttp } from '../../../agent-lite/config/defaults.ts';
import type { OAuth2Config } from '../../../agent-lite/config/types.ts';
import { createHttpClient } from '../../../agent-lite/http/client.ts';
import type { HttpClient, HttpRequest } from '../../../agent-lite/model.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { startTarget, status } from '../../fakes/target.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Asked {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}
type Reply = { readonly status?: number; readonly type?: string; readonly body: string };

/** A token server that takes what `answer` says, and a target that wants to see a token. */
async function setup(answer: (asked: Asked, count: number) => Reply, over: Partial<OAuth2Config> = {}) {
  const asked: Asked[] = [];
  const server = await startTarget(async (request, response) => {
    const form = Object.fromEntries(new URLSearchParams(await textOf(request)));
    const one = { authorization: request.headers.authorization, form };
    asked.push(one);
    const reply = answer(one, asked.length);
    response.writeHead(reply.status ?? 200, { 'content-type': reply.type ?? 'application/json' }).end(reply.body);
  });
  const target = await startTarget(status(200));
  const clock = new ManualClock();
  const oauth2: OAuth2Config = {
    clientId: 'agent',
    clientSecret: { kind: 'inline', value: 'SECRET/1' },
    scopes: [],
    tokenUrl: `${server.url}/token`,
    endpointParams: [],
    client: { ...defaultHttp, followRedirects: false },
    ...over,
  };
  const http: HttpClient = createHttpClient(
    { ...defaultHttp, oauth2 },
    { readFile: async () => new TextEncoder().encode('FILED\n'), clock },
  );
  cleanups.push(
    () => http.close(),
    () => server.close(),
    () => target.close(),
  );
  const get: HttpRequest = { method: 'GET', url: target.url, headers: {}, timeoutMs: 5000, maxBytes: 0 };
  return {
    asked,
    target,
    clock,
    request: () => http.request(get),
    seen: () => target.requests.map(({ headers }) => headers.authorization),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
const token = (text: string, rest: Readonly<Record<string, unknown>> = {}): Reply => ({
  body: JSON.stringify({ access_token: text, token_type: 'bearer', ...rest }),
});

describe('oauth2', () => {
  it('fetches a token once and sends it with every request', async () => {
    const { asked, request, seen } = await setup(() => token('t1'), { scopes: ['a', 'b'], endpointParams: [['audience', 'x y']] });
    await request();
    await request();
    expect(asked).toEqual([
      {
        authorization: `Basic ${Buffer.from('agent:SECRET%2F1').toString('base64')}`,
        form: { grant_type: 'client_credentials', scope: 'a b', audience: 'x y' },
      },
    ]);
    expect(seen()).toEqual(['Bearer t1', 'Bearer t1']);
  });

  it('names the client in the body where the server does not take HTTP Basic, and goes on so', async () => {
    const answer = ({ form }: Asked): Reply =>
      form['client_secret'] === 'FILED' ? token('t', { expires_in: 60 }) : { status: 401, body: '' };
    const { asked, request, clock } = await setup(answer, { clientSecret: { kind: 'file', path: '/secret' } });
    await request();
    await clock.advance(60_000);
    await request();
    expect(asked.map(({ form }) => form['client_id'])).toEqual([undefined, 'agent', 'agent']);
  });

  it('renews a token shortly before it expires', async () => {
    const { request, seen, clock } = await setup((_, count) => token(`t${count}`, { expires_in: 60 }));
    await request();
    await clock.advance(49_000);
    await request();
    await clock.advance(1_001);
    await request();
    expect(seen()).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t2']);
  });

  it('fetches another one where the target refuses it', async () => {
    const { request, seen, target } = await setup((_, count) => token(`t${count}`));
    target.answer = status(401);
    expect(await request()).toMatchObject({ status: 401 });
    target.answer = status(200);
    await request();
    expect(seen()).toEqual(['Bearer t1', 'Bearer t2']);
  });

  it('takes the answers of old servers, and other types of token', async () => {
    const type = 'application/x-www-form-urlencoded; charset=utf-8';
    const { request, seen } = await setup(() => ({ type, body: 'access_token=abc&token_type=MAC' }));
    await request();
    expect(seen()).toEqual(['MAC abc']);
  });

  it.each<[string, Reply, string]>([
    [
      'an error with its code',
      { status: 400, body: '{"error":"invalid_client","error_description":"SECRET"}' },
      'expected a token, got HTTP status 400 (invalid_client)',
    ],
    ['one without', { status: 503, body: 'SECRET' }, 'expected a token, got HTTP status 503'],
    ['a redirect', { status: 302, body: '' }, 'expected a token, got HTTP status 302'],
    ['no token', { body: '{"token":"SECRET"}' }, 'expected an answer with an access_token, got another one'],
    ['a token that cannot be sent', { body: '{"access_token":"SECRET\\nx"}' }, 'expected an answer with an access_token, got another one'],
    ['no JSON', { body: '<html>SECRET' }, 'expected an answer with an access_token, got another one'],
  ])('tells %s, and nothing secret', async (_, reply, message) => {
    const { request, target } = await setup(() => reply);
    await expect(request()).rejects.toMatchObject({ name: 'HttpError', reason: 'credentials', message: `oauth2.token_url: ${message}` });
    expect(target.requests).toEqual([]);
  });
});
