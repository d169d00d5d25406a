import type { AgentEvents, BrowserAgentStatus, PageTargetStatus, Role } from '../../../agent-lite/index.ts';
import { element, item, showFacts, span } from './element.ts';
import { ago, bytes, count, duration, time } from './format.ts';

/** What has happened since the page was opened; the agent's status tells how things are now. */
export interface Tally {
  scrapes: number;
  samples: number;
  pushes: number;
  /** Answered 2xx. */
  taken: number;
  sentBytes: number;
  /** Newest first. */
  answers: readonly (AgentEvents['push'] & { readonly atMs: number })[];
}
export const emptyTally = (): Tally => ({ scrapes: 0, samples: 0, pushes: 0, taken: 0, sentBytes: 0, answers: [] });

export interface Shown {
  readonly status: BrowserAgentStatus;
  readonly tally: Tally;
  readonly offline: boolean;
}

const ROLE_CLASS: Readonly<Record<Role, string>> = { stopped: 'warn', starting: 'warn', leader: 'good', standby: 'warn', failed: 'bad' };

export function show({ status, tally, offline }: Shown): void {
  badge('role', status.role, ROLE_CLASS[status.role]);
  badge('network', offline ? 'offline' : 'online', offline ? 'bad' : 'good');
  const notice = element('notice', HTMLParagraphElement);
  const text = noticeOf(status);
  notice.hidden = text === undefined;
  if (notice.textContent !== (text ?? '')) notice.textContent = text ?? '';
  showFlow(status, tally);
  showTargets(status);
  showAnswers(tally);
  showStorage(status);
}

function badge(id: string, text: string, className: string): void {
  const shown = element(id, HTMLParagraphElement);
  shown.textContent = text;
  shown.className = `badge ${className}`;
}

/** What somebody before the screen must know; undefined: all is well. */
function noticeOf({ role, reason, log }: BrowserAgentStatus): string | undefined {
  if (role === 'standby') return `Standby: ${reason}. Orders here are counted, but not collected until this tab leads.`;
  if (role === 'failed') return `The agent failed: ${reason}`;
  if (log?.mode === 'memory') return `The log is in memory and would not outlive this page: ${log.reason}`;
  if (log !== undefined && log.deletions > 0)
    return `The log's database was deleted under it (${count(log.deletions)} times); what was not pushed is lost.`;
  return undefined;
}

function showFlow({ edge, log, targets, token }: BrowserAgentStatus, tally: Tally): void {
  const up = targets.filter(({ health }) => health === 'up').length;
  const ages = targets.flatMap(({ lastScrapeAgeMs }) => lastScrapeAgeMs ?? []);
  showFacts(element('scraped', HTMLElement), [
    ['Targets up', `${up} of ${targets.length}`, up === targets.length ? '' : 'warn'],
    ['Scrapes', count(tally.scrapes)],
    ['Samples', count(tally.samples)],
    ['Last scrape', ago(ages.length === 0 ? undefined : Math.min(...ages))],
  ]);
  showFacts(element('logged', HTMLElement), [
    ['Bytes', bytes(log?.bytes)],
    ['Segments', count(log?.segments)],
    ['Waiting', count(edge?.backlogRecords), (edge?.backlogRecords ?? 0) > 0 ? 'warn' : ''],
    ['Oldest waiting', duration(edge?.backlogAgeMs)],
    ['Dropped by limits', count(log?.counters.evicted), (log?.counters.evicted ?? 0) > 0 ? 'bad' : ''],
  ]);
  const acknowledged =
    log === undefined || edge === undefined ? '–' : `${count(log.head.position - edge.backlogRecords)} of ${count(log.head.position)}`;
  showFacts(element('pushed', HTMLElement), [
    ['Requests', count(tally.pushes)],
    ['Taken', count(tally.taken)],
    ['Bytes', bytes(tally.sentBytes)],
    ['Acknowledged', acknowledged],
    ['Token age', duration(token?.ageMs)],
    ['State', edge?.state ?? '–', edge?.error === undefined ? 'good' : 'bad'],
    ['Last success', ago(edge?.lastSuccessAgeMs)],
    ['Next try', edge?.nextTryInMs === undefined ? '–' : `in ${duration(Math.max(0, edge.nextTryInMs))}`],
  ]);
}

const HEALTH: Readonly<Record<PageTargetStatus['health'], { readonly text: string; readonly className: string }>> = {
  up: { text: 'up', className: 'good' },
  down: { text: 'down', className: 'bad' },
  unknown: { text: 'not scraped yet', className: 'hint' },
  standby: { text: 'not scraped here', className: 'warn' },
};

function showTargets({ targets, refusedTargets }: BrowserAgentStatus): void {
  const rows = targets.map((target) => {
    const health = HEALTH[target.health];
    const where = target.url === undefined ? 'a function of the page' : target.url.startsWith('http') ? target.url : 'the agent itself';
    const last = `${ago(target.lastScrapeAgeMs)} · ${count(target.samples)} samples · ${duration(target.durationMs)}`;
    const row = item(span(target.job), span(health.text, `right ${health.className}`), span(where, 'hint'), span(last, 'right hint'));
    if (target.error !== undefined) row.append(span(target.error, 'wide bad'));
    row.dataset['job'] = target.job;
    return row;
  });
  const refused = refusedTargets.map(({ job, reason }) => item(span(job), span('refused', 'right bad'), span(reason, 'wide bad')));
  element('targets', HTMLUListElement).replaceChildren(...rows, ...refused);
}

function showAnswers({ answers }: Tally): void {
  if (answers.length === 0) return;
  element('answers', HTMLUListElement).replaceChildren(
    ...answers.map(({ atMs, method, path, bytes: sent, status, error }) => {
      const { text, className } = meaning(method, status);
      const row = item(span(`${time(atMs)}  ${method} ${shorten(path)}`), span(text, `right ${className}`));
      row.append(span(error ?? (sent === 0 ? '' : `${bytes(sent)} sent`), 'wide hint'));
      return row;
    }),
  );
}

/** What an answer means in the push protocol (contract/PUSH.md): two of the refusals only ask for something. */
function meaning(method: string, status: number | undefined): { readonly text: string; readonly className: string } {
  if (status === undefined) return { text: 'no answer', className: 'bad' };
  if (status < 300) return { text: `${status} taken`, className: 'good' };
  if (status === 424) return { text: '424 asks for the series tables', className: 'hint' };
  if (status === 404 && method === 'HEAD') return { text: '404 not there yet', className: 'hint' };
  return { text: `${status} refused`, className: 'bad' };
}

/** Series tables are named by a hash. */
const shorten = (path: string): string => path.replace(/([0-9a-f]{8})[0-9a-f]{24}$/, '$1…');

function showStorage({ storage, log, version }: BrowserAgentStatus): void {
  const used = storage.usageBytes === undefined ? '–' : `${bytes(storage.usageBytes)} of ${bytes(storage.quotaBytes)}`;
  const persisted = storage.persisted === undefined ? '–' : storage.persisted ? 'yes' : 'no: the browser may evict it';
  showFacts(element('storage', HTMLElement), [
    ['Log', log === undefined ? '–' : log.mode === 'file' ? 'IndexedDB' : 'memory', log?.mode === 'memory' ? 'bad' : ''],
    ['Limit', bytes(log?.limitBytes)],
    ['Stored by this origin', used],
    ['Kept for good', persisted],
    ['Database deleted', log === undefined ? '–' : `${count(log.deletions)} times`, (log?.deletions ?? 0) > 0 ? 'bad' : ''],
    ['Agent', version],
  ]);
}
