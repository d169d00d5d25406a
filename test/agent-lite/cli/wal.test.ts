import { cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runWal } from '../../../agent-lite/cli/wal.ts';
import { parseWalArguments, walHelp } from '../../../agent-lite/cli/wal-arguments.ts';
import { columnCompression } from '../../../agent-lite/platform/bytes.ts';
import { FileStore } from '../../../agent-lite/wal/file-store.ts';
import { HEADER_BYTES } from '../../../agent-lite/wal/format.ts';
import type { Report } from '../../../agent-lite/wal/tools/inspect.ts';
import { type LogWorld, logWorld, numbered, readAll, tableOf, targetOf } from '../../fakes/wal.ts';

const table = await tableOf('a', 'b', 'c', 'd');
const target = targetOf('x:1');

/** Two segments of ten scrapes each; the receiver has acknowledged the first three. */
async function makeLog(directory: string, world: LogWorld): Promise<void> {
  for (const start of [1, 11]) {
    const log = await world.open(new FileStore(directory), { compression: columnCompression });
    if (start === 1) await log.retainCursors(['edge']);
    for (let n = start; n < start + 10; n++) {
      await world.clock.advance(1000);
      await log.append(numbered(n, world.clock, target, table));
      if (n === 3) await log.moveCursor('edge', log.head());
    }
    if (start === 11) await log.setAside(log.head().position, log.head().position, 'the edge refused it');
    await log.close();
  }
}

let parent: string;
let sound: string;
let directory: string;
let runs = 0;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'agent-lite-wal-'));
  sound = join(parent, 'sound');
  await makeLog(sound, logWorld());
});
afterAll(() => rm(parent, { recursive: true, force: true }));
beforeEach(async () => {
  directory = join(parent, String(++runs));
  await cp(sound, directory, { recursive: true });
});

async function wal(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const code = await runWal(args, {
    stdout: (text) => {
      said.stdout += text;
    },
    stderr: (text) => {
      said.stderr += text;
    },
  });
  return { code, ...said };
}

const inspect = async (): Promise<Report & { holder: number | null }> => JSON.parse((await wal('inspect', '--json', directory)).stdout);
const segments = async (): Promise<string[]> => (await readdir(join(directory, 'wal'))).sort().map((name) => join(directory, 'wal', name));
const contents = async (): Promise<Record<string, string>> => {
  const files: Record<string, string> = {};
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name);
    if ((await stat(path)).isFile()) files[name] = (await readFile(path)).toString('base64');
  }
  return files;
};
const lines = async (): Promise<string[]> =>
  (await wal('dump', directory)).stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

async function flip(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset] = (bytes[offset] as number) ^ 0x10;
  await writeFile(path, bytes);
}

describe('arguments', () => {
  const cases: [args: string[], is: unknown][] = [
    [['inspect', 'd', '--json'], { action: 'inspect', directory: 'd', json: true }],
    [['dump', 'd', '--from=1700000000', '--to', '2026-01-31T12:00:00Z'], { from: 1_700_000_000_000, to: Date.UTC(2026, 0, 31, 12) }],
    [['dump', '--set-aside', 'd'], { aside: true, from: Number.NEGATIVE_INFINITY }],
  ];
  it.each(cases)('%j', (args, value) => {
    expect(parseWalArguments(args)).toMatchObject({ ok: true, value });
  });

  const refused: [args: string[], error: string][] = [
    [[], 'expected one of inspect, verify, dump, repair'],
    [['verfy', 'd'], 'unknown command verfy, did you mean verify?'],
    [['verify'], "verify: expected the folder of a log, the agent's --storage.agent.path"],
    [['verify', 'a', 'b'], 'verify: expected one folder, got 2'],
    [['verify', 'd', '--from=1'], 'verify: --from does not go with it'],
    [['dump', 'd', '--json'], 'dump: --json does not go with it'],
    [['dump', 'd', '--from=noon'], '--from: expected a time such as 2026-01-31T12:00:00Z or seconds since 1970, got "noon"'],
    [['inspect', '--jason', 'd'], 'unknown flag --jason, did you mean --json?'],
  ];
  it.each(refused)('%j: refused', (args, error) => {
    expect(parseWalArguments(args)).toEqual({ ok: false, error });
  });

  it('help fits 120 columns', () => {
    for (const line of walHelp.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('a wrong command line exits with 2, a folder without a log with 1', async () => {
    expect((await wal('verify')).code).toBe(2);
    const { code, stderr } = await wal('repair', join(parent, 'nothing'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('no such file')]);
    await expect(stat(join(parent, 'nothing'))).rejects.toThrow('ENOENT');
  });
});

describe('a sound log', () => {
  it('is described, and nothing of it is changed by looking', async () => {
    const before = await contents();
    const report = await inspect();
    expect(report).toMatchObject({
      holder: null,
      total: { scrapes: 20, targets: 1, series: 9, oldestMs: 1_700_000_001_000, newestMs: 1_700_000_020_000 },
      cursors: [{ receiver: 'edge', state: 'known', waiting: { scrapes: 17, oldestMs: 1_700_000_004_000 } }],
      setAside: [{ scrapes: 1, reason: 'the edge refused it' }],
      damage: [],
    });
    // Of each scrape four values and five of its report; every seventh lacks one value.
    expect(report.total.samples).toBe(20 * 9 - 2);
    expect(report.segments.map(({ scrapes }) => scrapes)).toEqual([10, 10]);
    expect((await wal('inspect', directory)).stdout).toMatch(/20 scrapes, 178 samples, 2023-11-14T22:13:21.000Z to/);
    expect(await wal('verify', directory)).toMatchObject({ code: 0, stdout: expect.stringContaining('OK') });
    await wal('dump', directory);
    expect(await contents()).toEqual(before);
    expect(await wal('repair', directory)).toMatchObject({ code: 0, stdout: 'Nothing to repair.\n' });
    expect(await contents()).toEqual(before);
  });

  it('is dumped as text exposition, markers as comments, of a range of times where asked', async () => {
    const { stdout } = await wal('dump', directory);
    expect(stdout).toContain('a{instance="x:1",job="node"} 3 1700000003000\n');
    expect(stdout).toContain('# STALE c{instance="x:1",job="node"} 1700000005000\n');
    expect(stdout).toContain('up{instance="x:1",job="node"} 1 1700000020000\n');
    expect(await lines()).toHaveLength(178 - 4);
    const some = await wal('dump', '--from=1700000003', '--to=2023-11-14T22:13:24Z', directory);
    expect(some.stdout.match(/^a\{.*$/gm)).toEqual([
      'a{instance="x:1",job="node"} 3 1700000003000',
      'a{instance="x:1",job="node"} 4 1700000004000',
    ]);
    expect((await wal('dump', '--set-aside', directory)).stdout).toMatch(/^a\{instance="x:1",job="node"\} 20 1700000020000\n/);
  });
});

describe('a damaged log', () => {
  interface Case {
    readonly name: string;
    readonly damage: (paths: readonly string[]) => Promise<void>;
    /** Of the 20 scrapes. */
    readonly readable: number | [least: number, most: number];
    readonly kind: string;
    readonly says: RegExp;
  }
  const cases: Case[] = [
    {
      name: 'a byte of a record',
      damage: ([first = '']) => flip(first, 700),
      readable: [1, 19],
      kind: 'record',
      says: /copied to set-aside/,
    },
    {
      name: 'a header',
      damage: ([first = '']) => flip(first, 20),
      readable: 20,
      kind: 'header',
      says: /copied to set-aside/,
    },
    {
      name: 'the end of an older segment missing',
      damage: async ([first = '']) => truncate(first, (await stat(first)).size - 40),
      readable: 19,
      kind: 'record',
      says: /at offset/,
    },
    {
      name: 'a torn end',
      damage: async ([, second = '']) => truncate(second, (await stat(second)).size - 40),
      readable: 19,
      kind: 'torn',
      says: /cut off/,
    },
    {
      name: 'a segment that is gone',
      damage: async (paths) => {
        const log = await logWorld().open(new FileStore(directory));
        await log.close();
        await rm(paths[1] ?? '');
      },
      readable: 10,
      kind: 'none',
      says: /Nothing to repair/,
    },
    {
      name: 'a file that is no segment',
      damage: () => writeFile(join(directory, 'wal/0000000000000300.seg'), Buffer.alloc(500, 7)),
      readable: 20,
      kind: 'file',
      says: /moved to set-aside/,
    },
    {
      name: 'cursors',
      damage: () => flip(join(directory, 'cursors.json'), 9),
      readable: 20,
      kind: 'file',
      says: /everything in the log is offered again/,
    },
    {
      name: 'reserved positions',
      damage: () => flip(join(directory, 'positions.json'), 9),
      readable: 20,
      kind: 'file',
      says: /made anew/,
    },
  ];
  it.each(cases)('$name: told, set aside, and nothing readable is lost', async ({ damage, readable, kind, says }) => {
    await damage(await segments());
    const damaged = await contents();
    const report = await inspect();
    const { scrapes } = report.total;
    const [least, most] = typeof readable === 'number' ? [readable, readable] : readable;
    expect(scrapes).toBeGreaterThanOrEqual(least);
    expect(scrapes).toBeLessThanOrEqual(most);
    if (kind !== 'none') expect(report.damage[0]).toMatchObject({ kind, setAside: false });
    const before = await lines();
    const verified = await wal('verify', directory);
    expect(verified.code).toBe(kind === 'none' ? 0 : 1);
    expect(await contents()).toEqual(damaged);

    const repaired = await wal('repair', directory);
    expect(repaired).toMatchObject({ code: 0, stdout: expect.stringMatching(says) });
    expect(await lines()).toEqual(before);
    expect(await wal('verify', directory)).toMatchObject({ code: 0 });
    expect(await wal('repair', directory)).toMatchObject({ code: 0, stdout: 'Nothing to repair.\n' });
    // No byte that was there is gone: what was cut or moved is in a copy.
    const kept = Object.values(await contents()).map((text) => Buffer.from(text, 'base64'));
    for (const { offset, bytes, file } of report.damage) {
      const part = Buffer.from(damaged[file] ?? '', 'base64').subarray(offset, offset + bytes);
      expect(kept.some((whole) => whole.includes(part))).toBe(true);
    }
    // And an agent goes on from there.
    const log = await logWorld().open(new FileStore(directory), { compression: columnCompression });
    expect((await readAll(log)).scrapes).toHaveLength(scrapes);
    await log.close();
  });

  it('names the place of each damaged record, and the records behind it that cannot be read either', async () => {
    const [first = ''] = await segments();
    await flip(first, HEADER_BYTES + 30);
    const { damage } = await inspect();
    expect(damage[0]).toMatchObject({ file: expect.stringMatching(/^wal\/0+1\.seg$/), offset: HEADER_BYTES, kind: 'record' });
    // All that need the record that is gone.
    expect(damage.slice(1).every(({ reason }) => /it names|its base/.test(reason))).toBe(true);
    const { stdout } = await wal('dump', directory);
    expect(stdout).toContain(`# DAMAGED wal/0000000000000001.seg offset ${HEADER_BYTES}`);
  });
});

describe('a log that is in use', () => {
  it('can be looked at, and is not repaired', async () => {
    const log = await logWorld().open(new FileStore(directory), { compression: columnCompression });
    try {
      const file = await open((await segments()).at(-1) ?? '', 'a');
      await file.write('half a record');
      await file.close();
      expect((await inspect()).holder).toBe(process.pid);
      expect((await wal('verify', directory)).code).toBe(0);
      const before = await contents();
      const { code, stderr } = await wal('repair', directory);
      expect(code).toBe(1);
      expect(stderr).toContain(`process ${process.pid} has locked it`);
      expect(await contents()).toEqual(before);
    } finally {
      await log.close();
    }
  });
});
