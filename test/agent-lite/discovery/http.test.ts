import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { defaultHttp } from '../../../agent-lite/config/defaults.ts';
import type { TargetGroup } from '../../../agent-lite/config/types.ts';
import { httpDiscovery, MAX_HTTP_SD_BYTES } from '../../../agent-lite/discovery/http.ts';
import { createHttpClient } from '../../../agent-lite/http/client.ts';
import { type HttpClient, HttpError, type HttpRequest, type HttpResponse } from '../../../agent-lite/model.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { ManualClock, settle } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';

const URL_WITH_KEY = 'https://sd.example.com/targets?key=s3cret';

const answer = (body: string | Uint8Array, type = 'application/json', status = 200): HttpResponse => ({
  status,
  headers: type === '' ? {} : { 'content-type': type },
  body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
});
const group = (target: string, ...labels: [string, string][]): TargetGroup => ({
  targets: [target],
  labels: [['__meta_url', URL_WITH_KEY], ...labels],
});

class FakeServer implements HttpClient {
  next: HttpResponse | Error;
  readonly requests: HttpRequest[] = [];
  closed = false;

  constructor(first: HttpResponse | Error) {
    this.next = first;
  }
  async request(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    if (this.next instanceof Error) throw this.next;
    return this.next;
  }
  close(): void {
    this.closed = true;
  }
}

async function setup(first: HttpResponse | Error) {
  const server = new FakeServer(first);
  const clock = new ManualClock();
  const logger = new FakeLogger();
  const metrics = createRegistry();
  const updates: (readonly TargetGroup[])[] = [];
  const ended = new AbortController();
  const sd = { kind: 'http', url: URL_WITH_KEY, refreshIntervalMs: 60_000, http: defaultHttp } as const;
  const tools = { httpClientFor: () => server, clock, logger, metrics, version: '9.9.9' };
  await httpDiscovery(sd, tools).start((groups) => updates.push(groups), ended.signal);
  return { server, clock, logger, metrics, updates, ended };
}

describe('answers that are taken', () => {
  const cases: [name: string, response: HttpResponse, groups: TargetGroup[]][] = [
    ['an empty list', answer('[]'), []],
    ['groups', answer('[{"targets": ["a:1"], "labels": {"zone": "n", "empty": ""}}]'), [group('a:1', ['zone', 'n'])]],
    ['no labels', answer('[{"targets": ["a:1"], "labels": null}]'), [group('a:1')]],
    ['a label that we set', answer('[{"targets": ["a:1"], "labels": {"__meta_url": "x"}}]'), [group('a:1')]],
    ['a charset', answer('[{"targets": ["a:1"]}]', 'Application/JSON; charset=UTF-8'), [group('a:1')]],
    ['a charset in quotes', answer('[{"targets": ["a:1"]}]', ' application/json;charset="utf-8" '), [group('a:1')]],
  ];
  it.each(cases)('%s', async (_, response, groups) => {
    const { updates, logger } = await setup(response);
    expect(updates).toEqual([groups]);
    expect(logger.lines).toEqual([]);
  });
});

describe('answers that are not taken keep the targets before', () => {
  const cases: [name: string, response: HttpResponse | Error, why: string][] = [
    ['another status', answer('[]', 'application/json', 204), 'expected HTTP status 200, got 204'],
    ['no content type', answer('[]', ''), 'content-type: expected application/json, got \\"\\"'],
    ['another type', answer('[]', 'text/html'), 'content-type: expected application/json, got \\"text/html\\"'],
    ['another charset', answer('[]', 'application/json; charset=latin1'), 'expected application/json'],
    ['null', answer('null'), 'expected a list, got nothing'],
    ['nothing', answer(''), 'not valid JSON'],
    ['YAML', answer('- targets: [a]'), 'not valid JSON'],
    ['no UTF-8', answer(new Uint8Array([0x5b, 0xff, 0x5d])), 'expected UTF-8 text'],
    ['a null group', answer('[null]'), '[0]: expected a map, got nothing'],
    ['an unknown key', answer('[{"targets": [], "label": {}}]'), '[0].label: unknown key (did you mean labels?)'],
    ['a number for a target', answer('[{"targets": [9100]}]'), '[0].targets[0]: expected a string, got 9100'],
    ['a number for a label', answer('[{"targets": [], "labels": {"a": 1}}]'), '[0].labels.a: expected a string, got 1'],
    ['an empty target', answer('[{"targets": [""]}]'), '[0].targets[0]: expected host:port'],
    ['lists inside lists', answer('['.repeat(100) + ']'.repeat(100)), 'expected at most 64 lists and maps inside each other'],
    ['a network failure', new HttpError('network', 'connect ECONNREFUSED'), 'connect ECONNREFUSED'],
  ];
  it.each(cases)('%s', async (_, response, why) => {
    const { server, clock, updates, logger, metrics, ended } = await setup(answer('[{"targets": ["a:1"]}]'));
    server.next = response;
    await clock.advance(60_000);
    expect(updates).toEqual([[group('a:1')]]);
    expect(logger.text('error')).toContain(why);
    expect(logger.text('error')).not.toContain('s3cret');
    expect(metrics.expose('all')).toContain('agent_lite_sd_refresh_failures_total{mechanism="http"} 1');
    server.next = answer('[{"targets": ["b:1"]}]');
    await clock.advance(60_000);
    expect(updates.at(-1)).toEqual([group('b:1')]);
    ended.abort();
  });

  it('none before are none', async () => {
    const { updates } = await setup(new HttpError('network', 'no route'));
    expect(updates).toEqual([[]]);
  });
});

describe('requests', () => {
  it('say what they want and how often they come', async () => {
    const { server } = await setup(answer('[]'));
    expect(server.requests).toMatchObject([
      {
        method: 'GET',
        url: URL_WITH_KEY,
        headers: { accept: 'application/json', 'user-agent': 'agent-lite/9.9.9', 'x-prometheus-refresh-interval-seconds': '60' },
        timeoutMs: 60_000,
        maxBytes: MAX_HTTP_SD_BYTES,
      },
    ]);
  });

  it('come at fixed ticks until the end, then the client is closed', async () => {
    const { server, clock, updates, ended } = await setup(answer('[]'));
    await clock.advance(180_000);
    expect(server.requests).toHaveLength(4);
    expect(updates).toHaveLength(1);
    ended.abort();
    await clock.advance(180_000);
    expect(server.requests).toHaveLength(4);
    expect(server.closed).toBe(true);
  });
});

it('works over the wire, with credentials', async () => {
  const seen: unknown[] = [];
  const server = createServer((request, response) => {
    seen.push([request.url, request.headers.authorization, request.headers.accept]);
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('[{"targets": ["a:1"]}]');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sd`;
  const clock = new ManualClock();
  const http = { ...defaultHttp, authorization: { type: 'Bearer', credentials: { kind: 'inline', value: 't' } as const } };
  const ended = new AbortController();
  const updates: (readonly TargetGroup[])[] = [];
  await httpDiscovery(
    { kind: 'http', url, refreshIntervalMs: 60_000, http },
    {
      httpClientFor: (config) => createHttpClient(config, { readFile: async () => new Uint8Array(), clock }),
      clock,
      logger: new FakeLogger(),
      metrics: createRegistry(),
      version: '1',
    },
  ).start((groups) => updates.push(groups), ended.signal);
  ended.abort();
  await settle();
  server.close();
  expect(updates).toEqual([[{ targets: ['a:1'], labels: [['__meta_url', url]] }]]);
  expect(seen).toEqual([['/sd', 'Bearer t', 'application/json']]);
});
