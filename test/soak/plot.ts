import type { ProcessSample } from './samples.ts';

/** One fault, for the strip above the curves. */
export interface PlottedFault {
  readonly kind: string;
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

export interface PlotData {
  readonly title: string;
  readonly seconds: number;
  /** From here on nothing is killed. */
  readonly calmFromSeconds: number;
  readonly processes: ReadonlyMap<string, readonly ProcessSample[]>;
  readonly faults: readonly PlottedFault[];
  /** Scrapes handed out and not yet at the receiver. */
  readonly behind: readonly { readonly seconds: number; readonly scrapes: number }[];
}

const WIDTH = 1000;
const LEFT = 70;
const RIGHT = 130;
const PANEL = 180;
const GAP = 40;
const COLOURS = ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2', '#17becf', '#7f7f7f', '#bcbd22'];

interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [seconds: number, value: number, life: number])[];
}

/** An SVG: faults as bars, then memory, file descriptors and backlog over time. */
export function plot(data: PlotData): string {
  const kinds = [...new Set(data.faults.map(({ kind }) => kind))].sort();
  const strip = 16 * kinds.length;
  const top = 50;
  const x = (seconds: number): number => LEFT + (seconds / Math.max(1, data.seconds)) * (WIDTH - LEFT - RIGHT);
  const curves = (what: (sample: ProcessSample) => number): readonly Curve[] =>
    [...data.processes].map(([name, samples]) => ({ name, points: samples.map((sample) => [sample.seconds, what(sample), sample.pid]) }));
  const panels: readonly (readonly [title: string, curves: readonly Curve[]])[] = [
    ['resident memory, MiB', curves(({ residentBytes }) => residentBytes / 1024 ** 2)],
    ['file descriptors', curves(({ fileDescriptors }) => fileDescriptors)],
    ['scrapes not yet at the receiver', [{ name: 'all agents', points: data.behind.map(({ seconds, scrapes }) => [seconds, scrapes, 0]) }]],
  ];
  const height = top + strip + panels.length * (PANEL + GAP) + 20;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    text(LEFT, 25, data.title, 'font-size="16"'),
    ...kinds.flatMap((kind, row) => [
      text(LEFT - 5, top + 16 * row + 10, kind, 'text-anchor="end" font-size="10"'),
      ...data.faults
        .filter((fault) => fault.kind === kind)
        .map(
          ({ fromSeconds, toSeconds }) =>
            `<rect x="${n(x(fromSeconds))}" y="${top + 16 * row + 2}" width="${n(Math.max(1.5, x(toSeconds) - x(fromSeconds)))}" height="10" fill="#c33" opacity="0.6"/>`,
        ),
    ]),
    ...panels.flatMap(([title, drawn], i) => panel(title, drawn, top + strip + 25 + i * (PANEL + GAP), x, data)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function panel(title: string, curves: readonly Curve[], top: number, x: (seconds: number) => number, data: PlotData): readonly string[] {
  const most = Math.max(1, ...curves.flatMap(({ points }) => points.map(([, value]) => value))) * 1.05;
  const y = (value: number): number => top + PANEL - (value / most) * PANEL;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
  return [
    text(LEFT, top - 6, title, 'font-weight="bold"'),
    ...ticks.flatMap((tick) => [
      `<line x1="${LEFT}" x2="${n(x(data.seconds))}" y1="${n(y(tick))}" y2="${n(y(tick))}" stroke="#ddd"/>`,
      text(LEFT - 5, y(tick) + 4, tick >= 10 ? tick.toFixed(0) : tick.toFixed(1), 'text-anchor="end" font-size="10"'),
    ]),
    `<line x1="${n(x(data.calmFromSeconds))}" x2="${n(x(data.calmFromSeconds))}" y1="${top}" y2="${top + PANEL}" stroke="#888" stroke-dasharray="4 3"/>`,
    text(x(data.calmFromSeconds) + 3, top + 10, 'no kills from here on', 'font-size="9" fill="#666"'),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) =>
      text(
        x(share * data.seconds),
        top + PANEL + 14,
        `${((share * data.seconds) / 60).toFixed(1)} min`,
        'text-anchor="middle" font-size="10"',
      ),
    ),
    ...curves.flatMap(({ name, points }, i) => {
      const colour = COLOURS[i % COLOURS.length] ?? 'black';
      const lives = [...new Set(points.map(([, , life]) => life))].map((life) => points.filter((point) => point[2] === life));
      return [
        ...lives.map(
          (life) =>
            `<polyline fill="none" stroke="${colour}" stroke-width="1.3" points="${life.map(([seconds, value]) => `${n(x(seconds))},${n(y(value))}`).join(' ')}"/>`,
        ),
        text(x(data.seconds) + 8, top + 14 + 15 * i, name, `fill="${colour}"`),
      ];
    }),
  ];
}

const n = (value: number): string => value.toFixed(1);
const escaped = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x: number, y: number, value: string, more = ''): string => `<text x="${n(x)}" y="${n(y)}" ${more}>${escaped(value)}</text>`;
