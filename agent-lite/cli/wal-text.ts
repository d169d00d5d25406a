import type { CursorReport, DamageReport, Extent, Report, SegmentReport } from '../wal/tools/inspect.ts';

/** What `agent-lite wal inspect` shows to people; `--json` has the same with all figures. */
export function inspectText(directory: string, report: Report, holder: number | undefined): string {
  const { total, segments, cursors, setAside, damage, logId } = report;
  const lines = [
    `Log in ${directory}${holder === undefined ? '' : `, in use by process ${holder}`}`,
    `  log_id      ${logId ?? 'none'}`,
    `  positions   ${segments[0]?.first ?? 0} to ${segments.at(-1)?.last ?? 0}, reserved up to ${report.reservedThrough ?? 'unknown'}`,
    `  holds       ${extentText(total)}`,
    `  of          ${total.targets} targets, ${total.series} series`,
    `  files       ${segments.length} segments with ${total.records} records, ${total.bytes} bytes`,
    '',
    'Segments',
    ...segments.map(segmentText),
    '',
    'Cursors',
    ...cursors.map(cursorText),
  ];
  if (cursors.length === 0) lines.push('  none: everything is sent from the start');
  lines.push('', 'Set aside');
  for (const { file, bytes, scrapes, reason, atMs } of setAside)
    lines.push(`  ${file}  ${bytes} bytes, ${scrapes} scrapes${timeText(', ', atMs)}${reason === undefined ? '' : `: ${reason}`}`);
  if (setAside.length === 0) lines.push('  nothing');
  lines.push('', 'Damage', ...(damage.length === 0 ? ['  none'] : damage.map((place) => `  ${damageText(place)}`)));
  return `${lines.join('\n')}\n`;
}

const segmentText = (segment: SegmentReport): string =>
  `  ${segment.file}  positions ${segment.first} to ${segment.last}, ${segment.records} records, ${segment.bytes} bytes, ${extentText(segment)}`;

const STATES: Readonly<Record<CursorReport['state'], string>> = {
  known: '',
  removed: ', whose record is no longer here',
  beyond: ', behind the last record, as after a power cut',
  foreign: ', where this log has another record: the edge will be asked what it has',
};

function cursorText({ receiver, position, state, waiting, streams }: CursorReport): string {
  const behind = streams.length > 1 ? `, in ${streams.length} streams` : '';
  return `  ${receiver}  acknowledged up to ${position}${STATES[state]}${behind}; waiting: ${extentText(waiting)}`;
}

export function damageText({ file, offset, bytes, reason, positions, setAside }: DamageReport): string {
  const which = positions === undefined ? '' : `, positions ${positions.from} to ${positions.to}`;
  return `${file} at offset ${offset}, ${bytes} bytes${which}: ${reason}${setAside ? ' (set aside)' : ''}`;
}

function extentText({ scrapes, samples, oldestMs, newestMs }: Extent): string {
  return `${scrapes} scrapes, ${samples} samples${timeText(', ', oldestMs)}${timeText(' to ', newestMs)}`;
}

const MAX_DATE_MS = 8.64e15;
const timeText = (before: string, ms: number | undefined): string =>
  ms === undefined ? '' : before + (Math.abs(ms) <= MAX_DATE_MS ? new Date(ms).toISOString() : `${ms} ms`);
