import type { Chapter, Finding, Findings, Origin } from './findings.ts';

const HEADINGS: Readonly<Record<Chapter, readonly [title: string, lead: string]>> = {
  toDo: ['To do', 'By hand, before the switch:'],
  carried: ['Carried over', ''],
  changed: ['Changed', 'The same effect in another form:'],
  leftOut: ['Left out', 'Not supported, or refused by what reads it. Look at each: the series may differ.'],
  central: ['What an agent does not do', 'It belongs to the centre:'],
};

export interface ReportOptions {
  /** What was read, for the title. */
  readonly source: string;
  /** A label with its value by which the receiver can be asked, e.g. `cluster="north"`. */
  readonly selector: string;
}

/** REPORT.md: every chapter that has something, each entry with its place in the source. */
export function writeReport(findings: Findings, { source, selector }: ReportOptions): string {
  const lines = [`# Migration of ${source}`, ''];
  for (const chapter of ['toDo', 'carried', 'changed', 'leftOut', 'central'] as const) {
    const found = findings.of(chapter);
    if (found.length === 0) continue;
    const [title, lead] = HEADINGS[chapter];
    lines.push(`## ${title}`, '', ...(lead === '' ? [] : [lead, '']), ...inOrder(found).map(entry), '');
  }
  lines.push(
    '## Then',
    '',
    '1. `agent-lite check-config agent.yml` on the device, with its token and secrets in place.',
    '2. Put relay.yml together with the one of your edge; `npm start` or the deployment checks it.',
    '3. Run both side by side as docs/migration.md says, so that no series is written twice.',
    `4. At the receiver: \`up{${selector}}\` has one series per target, all 1, and \`count by (job) (up{${selector}})\` is what it was.`,
    '',
  );
  return lines.join('\n');
}

const entry = ({ origin, what, note }: Finding): string => `- ${place(origin)} ${code(what)}: ${note}`;
const place = ({ file, line }: Origin): string => (line === 0 ? file : `${file}:${line}`);
/** What names something in backticks already stays as it is. */
const code = (what: string): string => (what.includes('`') ? what : `\`${what}\``);
/** By line; what has none comes first. */
const inOrder = (found: readonly Finding[]): readonly Finding[] => [...found].sort((a, b) => a.origin.line - b.origin.line);
