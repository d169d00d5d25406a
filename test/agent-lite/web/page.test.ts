import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration } from '../../../agent-lite/web/format.ts';
import { html } from '../../../agent-lite/web/html.ts';
import { statusPage } from '../../../agent-lite/web/page.ts';
import { type AgentStatus, judge, type RemoteWriteStatus } from '../../../agent-lite/web/status.ts';
import { healthyStatus } from './status.ts';

const good = healthyStatus();
const target = (over: Partial<AgentStatus['targets'][number]>) =>
  ({ ...healthyStatus().targets[0], ...over }) as AgentStatus['targets'][number];

const receiver = (over: Partial<RemoteWriteStatus>): RemoteWriteStatus => ({
  name: 'central',
  url: 'https://central.example/api/v1/write',
  state: 'ok',
  shards: 1,
  lastSuccessAgeMs: 1000,
  nextTryInMs: undefined,
  failures: 0,
  error: undefined,
  backlogRecords: 0,
  backlogBytes: 0,
  backlogAgeMs: undefined,
  ...over,
});

describe('the verdict', () => {
  it.each<[string, AgentStatus, string, RegExp | undefined]>([
    ['all well', good, 'ok', undefined],
    ['not ready yet', { ...good, ready: false }, 'starting', undefined],
    ['one lost push is daily life', { ...good, edge: { ...good.edge, failures: 2, error: 'x' } }, 'ok', undefined],
    [
      'pushes fail',
      { ...good, edge: { ...good.edge, failures: 3, error: 'connection refused' } },
      'degraded',
      /3 pushes failed.*: connection refused/,
    ],
    ['log in memory', { ...good, log: { ...good.log, mode: 'memory', error: 'EROFS' } }, 'degraded', /cannot be written.*EROFS/],
    [
      'log full and the link down',
      { ...good, log: { ...good.log, bytes: 500 * 2 ** 20 }, edge: { ...good.edge, failures: 1 } },
      'degraded',
      /nearly full/,
    ],
    ['log full of acknowledged data', { ...good, log: { ...good.log, bytes: 500 * 2 ** 20 } }, 'ok', undefined],
    [
      'token refused',
      { ...good, edge: { ...good.edge, state: 'unauthorized', failures: 1, error: '401' } },
      'degraded',
      /refuses the token.*401/,
    ],
    ['device refused', { ...good, edge: { ...good.edge, state: 'refused', failures: 1, error: 'x' } }, 'degraded', /takes nothing/],
    ['clock corrected', { ...good, edge: { ...good.edge, clockOffsetMs: 9e9, clockCorrected: true } }, 'degraded', /are corrected/],
    ['a target refused', { ...good, refusedTargets: [{ job: 'a', address: 'b', reason: 'c' }] }, 'degraded', /1 discovered/],
    ['clock wrong', { ...good, edge: { ...good.edge, clockOffsetMs: -3_600_000 } }, 'degraded', /wrong by 1 h/],
    ['a target down', { ...good, targets: [target({}), target({ health: 'down' })] }, 'degraded', /1 of 2 targets is down/],
    ['a target not scraped yet', { ...good, targets: [target({ health: 'unknown' })] }, 'ok', undefined],
    ['no targets', { ...good, targets: [] }, 'degraded', /No targets/],
  ])('%s', (_, status, state, reason) => {
    const verdict = judge(status);
    expect(verdict.state).toBe(state);
    if (reason === undefined) expect(verdict.reasons).toEqual([]);
    else expect(verdict.reasons.join('\n')).toMatch(reason);
  });
});

describe('the page', () => {
  it('shows what an operator asks for', () => {
    const text = statusPage(good);
    for (const part of [
      'gw-17',
      'https://edge.example',
      '12 s ago',
      'in 48 s',
      '3 MiB of 512 MiB',
      'localhost:9100',
      '12\u202f345',
      '41 ms',
      '2026-01-02 03:04:05 UTC',
    ])
      expect(text).toContain(part);
  });

  it('escapes everything that came from outside', () => {
    const evil = `<script>alert(1)</script>"'&`;
    const text = statusPage({
      ...good,
      hostname: evil,
      edge: { ...good.edge, url: evil, error: evil, failures: 9 },
      log: { ...good.log, path: evil, error: evil, mode: 'memory' },
      targets: [target({ job: evil, labels: { instance: evil, [evil]: evil }, url: evil, error: evil })],
      refusedTargets: [{ job: evil, address: evil, reason: evil }],
      remoteWrite: [receiver({ name: evil, url: evil, error: evil })],
      reloadError: evil,
    });
    expect(text).not.toContain('<script');
    expect(text).not.toContain(`"'&`);
    expect(text.match(/&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&#39;&amp;/g)?.length).toBeGreaterThanOrEqual(9);
  });

  it('names no other host and runs no script', () => {
    const text = statusPage(good);
    expect(text).not.toMatch(/<(script|img|link|iframe|form)|src=|url\(|@import|\son[a-z]+=/i);
    expect([...text.matchAll(/href="([^"]*)"/g)].every(([, path]) => path?.startsWith('/'))).toBe(true);
  });

  it.each<[string, AgentStatus, string]>([
    [
      'a backlog behind fresh samples',
      { ...good, edge: { ...good.edge, backlogRecords: 1_234, behindRecords: 1_200 } },
      '<dt>Behind fresh ones</dt><dd>1\u202f200 scrapes</dd>',
    ],
    ['nothing waits', { ...good, edge: { ...good.edge, backlogRecords: 0, backlogAgeMs: undefined } }, '<dt>Waiting</dt><dd>nothing</dd>'],
    ['never pushed', { ...good, edge: { ...good.edge, lastSuccessAgeMs: undefined } }, '<dt>Last push</dt><dd>never</dd>'],
    ['clock not known', { ...good, edge: { ...good.edge, clockOffsetMs: undefined } }, 'not compared yet'],
    ['clock behind', { ...good, edge: { ...good.edge, clockOffsetMs: 90_000 } }, '1 min 30 s behind the edge'],
    ['clock ahead', { ...good, edge: { ...good.edge, clockOffsetMs: -90_000 } }, '1 min 30 s ahead of the edge'],
    ['no targets', { ...good, targets: [] }, '0 of 0 up'],
    ['dropped targets', { ...good, droppedTargetCount: 3 }, '3 dropped by relabel_configs.'],
    [
      'a reload that failed',
      { ...good, reloadError: 'agent.yml:3: bad <key>' },
      'not reloaded, the one before stays: agent.yml:3: bad &lt;key&gt;',
    ],
    ['a receiver', { ...good, remoteWrite: [receiver({})] }, 'Remote write central <span class="badge good">connected</span>'],
    ['a receiver that fails', { ...good, remoteWrite: [receiver({ failures: 3, error: 'no <answer>' })] }, 'no &lt;answer&gt;'],
  ])('%s', (_, status, text) => {
    expect(statusPage(status)).toContain(text);
  });
});

it('html escapes values and joins lists', () => {
  expect(html`<a title="${'"'}">${['<', html`<b>${1}</b>`, undefined]}</a>`.text).toBe('<a title="&quot;">&lt;<b>1</b></a>');
});

it.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_000, '1 s'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h'],
  [93_784_000, '1 d 2 h'],
  [-5_000, '5 s'],
])('formatDuration(%i) = %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [15 * 2 ** 20, '15 MiB'],
  [2 ** 40, '1 TiB'],
])('formatBytes(%i) = %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it('formatCount parts thousands', () => expect(formatCount(1_234_567)).toBe('1\u202f234\u202f567'));
