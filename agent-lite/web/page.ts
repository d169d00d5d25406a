import { formatAge, formatBytes, formatCount, formatDuration } from './format.ts';
import { Html, html } from './html.ts';
import {
  type AgentStatus,
  type EdgeStatus,
  judge,
  type LogStatus,
  type RefusedTarget,
  type RemoteWriteStatus,
  type TargetStatus,
  type Verdict,
} from './status.ts';
import { style } from './style.ts';

/** The status page: one request, no scripts, readable at 320 px. */
export function statusPage(status: AgentStatus): string {
  const verdict = judge(status);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<title>${status.hostname}: ${verdict.state} - agent-lite</title>
<style>${new Html(style)}</style>
</head>
<body><main>
<header>
<h1>${status.hostname}</h1>${badge(verdict.state, verdict.state === 'ok' ? 'good' : 'wait')}
<span class="sub">agent-lite ${status.version}, <span>up ${formatDuration(status.uptimeMs)},</span> <span>device time ${timeText(status.nowMs)}</span></span>
</header>
${reasons(verdict)}
<div class="cards">${status.edge === undefined ? undefined : edgeCard(status.edge)}${status.remoteWrite.map(remoteWriteCard)}${logCard(status.log)}</div>
<section>${targetTable(status)}</section>
<footer>${['/metrics', '/api/v1/status', '/-/healthy', '/-/ready'].map((path) => html`<a href="${path}">${path}</a> `)}</footer>
</main></body>
</html>
`.text;
}

const badge = (text: string, kind: 'good' | 'bad' | 'wait'): Html => html`<span class="badge ${kind}">${text}</span>`;
const row = (name: string, value: string | Html): Html => html`<dt>${name}</dt><dd>${value}</dd>`;
const errorLine = (error: string | undefined): Html | undefined => (error === undefined ? undefined : html`<p class="error">${error}</p>`);

function reasons(verdict: Verdict): Html | undefined {
  if (verdict.reasons.length === 0) return undefined;
  return html`<ul class="reasons wait">${verdict.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`;
}

function edgeCard(edge: EdgeStatus): Html {
  return html`<section><h2>Edge ${edgeBadge(edge)}</h2><dl>
${row('Address', edge.url)}
${row('Last push', formatAge(edge.lastSuccessAgeMs))}
${row('Next try', edge.nextTryInMs === undefined ? 'now' : `in ${formatDuration(Math.max(0, edge.nextTryInMs))}`)}
${row('Push interval', formatDuration(edge.pushIntervalMs))}
${row('Waiting', edge.backlogRecords === 0 ? 'nothing' : `${scrapes(edge.backlogRecords)}, ${formatBytes(edge.backlogBytes)}`)}
${edge.backlogRecords === 0 ? undefined : row('Oldest waiting', formatAge(edge.backlogAgeMs))}
${edge.behindRecords === 0 ? undefined : row('Behind fresh ones', scrapes(edge.behindRecords))}
${row('Clock', clockText(edge.clockOffsetMs))}
${edge.leftOutSeries === 0 ? undefined : row('Left out', `${formatCount(edge.leftOutSeries)} series that the edge drops`)}
${edge.failures === 0 ? undefined : row('Failures', formatCount(edge.failures))}
</dl>${errorLine(edge.error)}</section>`;
}

function remoteWriteCard(receiver: RemoteWriteStatus): Html {
  return html`<section><h2>Remote write ${receiver.name} ${edgeBadge(receiver)}</h2><dl>
${row('Address', receiver.url)}
${row('Last request', formatAge(receiver.lastSuccessAgeMs))}
${row('Shards', formatCount(receiver.shards))}
${row('Waiting', receiver.backlogRecords === 0 ? 'nothing' : `${scrapes(receiver.backlogRecords)}, ${formatBytes(receiver.backlogBytes)}`)}
${receiver.backlogRecords === 0 ? undefined : row('Oldest waiting', formatAge(receiver.backlogAgeMs))}
${receiver.failures === 0 ? undefined : row('Failures', formatCount(receiver.failures))}
</dl>${errorLine(receiver.error)}</section>`;
}

const scrapes = (count: number): string => `${formatCount(count)} scrape${count === 1 ? '' : 's'}`;

function edgeBadge(edge: Pick<EdgeStatus, 'failures' | 'lastSuccessAgeMs'>): Html {
  if (edge.failures > 0) return badge('failing', 'bad');
  return edge.lastSuccessAgeMs === undefined ? badge('not yet', 'wait') : badge('connected', 'good');
}

function clockText(offsetMs: number | undefined): string {
  if (offsetMs === undefined) return 'not compared yet';
  if (Math.abs(offsetMs) < 1000) return 'right within 1 s';
  return `${formatDuration(offsetMs)} ${offsetMs > 0 ? 'behind' : 'ahead of'} the edge`;
}

function logCard(log: LogStatus): Html {
  return html`<section><h2>Log ${log.mode === 'file' ? badge('on disk', 'good') : badge('in memory', 'bad')}</h2>
<progress max="${log.limitBytes}" value="${Math.min(log.bytes, log.limitBytes)}" aria-label="log size">${log.bytes}</progress><dl>
${row('Size', `${formatBytes(log.bytes)} of ${formatBytes(log.limitBytes)}`)}
${row('Folder', log.path)}
${row('Sync', log.syncPolicy === 'interval' ? `every ${formatDuration(log.syncIntervalMs)}` : log.syncPolicy)}
${row('Not yet synced', formatBytes(log.unsyncedBytes))}
${row('Deleted unsent', scrapes(log.evictedRecords))}
${row('Damaged places', formatCount(log.damagedPlaces))}
${log.setAsideBytes === 0 ? undefined : row('Set aside', formatBytes(log.setAsideBytes))}
</dl>${errorLine(log.error)}</section>`;
}

function targetTable({ targets, refusedTargets, droppedTargetCount }: AgentStatus): Html {
  const up = targets.filter((target) => target.health === 'up').length;
  return html`<h2>Targets <span class="url">${up} of ${targets.length} up</span></h2>
<table><thead><tr><th>Target</th><th>Health</th><th class="number">Last scrape</th><th class="number">Took</th><th class="number">Samples</th></tr></thead>
<tbody>${targets.map(targetRow)}${refusedTargets.map(refusedRow)}</tbody></table>
${droppedTargetCount === 0 ? undefined : html`<p class="sub">${formatCount(droppedTargetCount)} dropped by relabel_configs.</p>`}`;
}

const HEALTH = { up: 'good', down: 'bad', unknown: 'wait' } as const;

function targetRow(target: TargetStatus): Html {
  return html`<tr>
<td class="target"><strong>${target.job}</strong> ${target.labels['instance']}<div class="url">${target.url}</div>${otherLabels(target)}${errorLine(target.error)}</td>
<td class="health">${badge(target.health, HEALTH[target.health])}</td>
<td class="number" data-label="Last scrape">${formatAge(target.lastScrapeAgeMs)}</td>
<td class="number" data-label="Took">${target.durationMs === undefined ? '-' : formatDuration(target.durationMs)}</td>
<td class="number" data-label="Samples">${target.samples === undefined ? '-' : formatCount(target.samples)}</td>
</tr>
`;
}

function otherLabels({ labels }: TargetStatus): Html | undefined {
  const others = Object.entries(labels).filter(([name]) => name !== 'job' && name !== 'instance');
  return others.length === 0 ? undefined : html`<div class="url">${others.map(([name, value]) => `${name}="${value}"`).join(' ')}</div>`;
}

function refusedRow(target: RefusedTarget): Html {
  return html`<tr><td class="target"><strong>${target.job}</strong> ${target.address}${errorLine(target.reason)}</td>
<td class="health">${badge('refused', 'bad')}</td><td></td><td></td><td></td></tr>
`;
}

const timeText = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
