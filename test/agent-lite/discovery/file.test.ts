import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TargetGroup } from '../../../agent-lite/config/types.ts';
import { fileDiscovery } from '../../../agent-lite/discovery/file.ts';
import type { Files } from '../../../agent-lite/discovery/files.ts';
import { nodeFiles } from '../../../agent-lite/discovery/files-node.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { ManualClock, settle } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';

/** A folder in memory; `changed` tells the watchers. */
class FakeFiles implements Files {
  readonly content = new Map<string, string | Uint8Array>();
  failing: string | undefined;
  readonly #watchers: { readonly folder: string; readonly changed: () => void }[] = [];

  async list(folder: string): Promise<string[]> {
    if (this.failing !== undefined) throw Object.assign(new Error(`${this.failing}: scandir`), { code: this.failing });
    const names = [...this.content.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
    if (names.length === 0) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    return names;
  }
  async read(path: string): Promise<Uint8Array> {
    const content = this.content.get(path);
    if (content === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    if (content === 'EACCES') throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  }
  watch(folder: string, changed: () => void): void {
    this.#watchers.push({ folder, changed });
  }
  get watched(): string[] {
    return this.#watchers.map(({ folder }) => folder);
  }
  changed(): void {
    for (const watcher of this.#watchers) watcher.changed();
  }
}

async function setup(patterns: string[], content: Record<string, string | Uint8Array>) {
  const files = new FakeFiles();
  for (const [path, text] of Object.entries(content)) files.content.set(path, text);
  const clock = new ManualClock();
  const logger = new FakeLogger();
  const metrics = createRegistry();
  const updates: (readonly TargetGroup[])[] = [];
  const abort = new AbortController();
  await fileDiscovery({ kind: 'file', files: patterns, refreshIntervalMs: 300_000 }, { files, clock, logger, metrics }).start(
    (groups) => updates.push(groups),
    abort.signal,
  );
  return { files, clock, logger, updates, abort, last: () => updates.at(-1) };
}

const group = (target: string, path: string, labels: [string, string][] = []): TargetGroup => ({
  targets: [target],
  labels: [['__meta_filepath', path], ...labels],
});
const json = (target: string): string => JSON.stringify([{ targets: [target] }]);

describe('the files', () => {
  it.each([
    ['JSON', '/sd/a.json', '[{"targets": ["h:1"], "labels": {"zone": "a", "empty": ""}}]'],
    ['YAML', '/sd/a.yml', '- targets: [h:1]\n  labels: {zone: a, empty: ""}\n'],
    ['YAML in capitals', '/sd/A.YAML', '- targets:\n  - "h:1"\n  labels:\n    zone: a\n'],
  ])('may be %s', async (_, path, text) => {
    const { last } = await setup([path], { [path]: text });
    expect(last()).toEqual([group('h:1', path, [['zone', 'a']])]);
  });

  it.each([
    ['an empty list', '/a.json', '[]'],
    ['an empty YAML file', '/a.yml', ''],
    ['only a comment', '/a.yml', '# later\n'],
  ])('may hold %s', async (_, path, text) => {
    const { last, logger } = await setup([path], { [path]: text });
    expect(last()).toEqual([]);
    expect(logger.lines).toEqual([]);
  });

  it('are found by patterns, in order', async () => {
    const { last, files } = await setup(['/sd/*.json', '/sd/node-*.yml', '/one.json'], {
      '/sd/b.json': json('b:1'),
      '/sd/a.json': json('a:1'),
      '/sd/node-x.yml': json('x:1'),
      '/sd/other.yml': json('o:1'),
      '/one.json': json('one:1'),
    });
    expect(last()?.map(({ targets }) => targets[0])).toEqual(['one:1', 'a:1', 'b:1', 'x:1']);
    expect(files.watched).toEqual(['/sd', '/']);
  });

  it('need not exist yet', async () => {
    const { files, clock, last, logger } = await setup(['/sd/*.json', '/other/a.json'], {});
    expect(last()).toEqual([]);
    expect(logger.lines).toEqual([]);
    files.content.set('/sd/a.json', json('a:1'));
    await clock.advance(300_200);
    expect(last()).toEqual([group('a:1', '/sd/a.json')]);
  });
});

describe('changes', () => {
  it('are seen through the watch, a burst of them as one', async () => {
    const { files, clock, updates, last } = await setup(['/sd/a.json'], { '/sd/a.json': json('a:1') });
    files.content.set('/sd/a.json', json('a:2'));
    files.changed();
    files.changed();
    await clock.advance(50);
    files.changed();
    await clock.advance(150);
    expect(updates).toHaveLength(2);
    expect(last()).toEqual([group('a:2', '/sd/a.json')]);
  });

  it('are told only where the groups differ', async () => {
    const { files, clock, updates } = await setup(['/sd/a.json'], { '/sd/a.json': json('a:1') });
    files.content.set('/sd/a.json', `${json('a:1')}\n`);
    await clock.advance(1_000_000);
    expect(updates).toHaveLength(1);
  });

  it('a file that is gone has no groups', async () => {
    const { files, clock, last } = await setup(['/sd/*.json'], { '/sd/a.json': json('a:1'), '/sd/b.json': json('b:1') });
    files.content.delete('/sd/a.json');
    files.changed();
    await clock.advance(200);
    expect(last()).toEqual([group('b:1', '/sd/b.json')]);
    files.content.delete('/sd/b.json');
    files.changed();
    await clock.advance(200);
    expect(last()).toEqual([]);
  });

  it('end with the signal', async () => {
    const { files, clock, updates, abort } = await setup(['/sd/a.json'], { '/sd/a.json': json('a:1') });
    abort.abort();
    files.content.set('/sd/a.json', json('a:2'));
    files.changed();
    await clock.advance(1_000_000);
    expect(updates).toHaveLength(1);
    expect(clock.sleeping).toBe(0);
  });
});

describe('a file that cannot be taken keeps its groups, and the log says why', () => {
  it.each([
    ['half written', '[{"targets": ["a:1"', 'expected JSON: '],
    ['not a list', '{"targets": ["a:1"]}', '/sd/a.json:1: expected a list, got a map'],
    ['a list of something else', '["a:1"]', '/sd/a.json:1: [0]: expected a map, got "a:1"'],
    ['an unknown key', '[{\n"targets": ["a:1"],\n"label": {}\n}]', '/sd/a.json:3: [0].label: unknown key (did you mean labels?)'],
    ['an empty target', '[{"targets": [""]}]', '/sd/a.json:1: [0].targets[0]: expected host:port, got ""'],
    [
      'a list for a label',
      '[{"targets": ["a:1"], "labels": {"zone": ["a"]}}]',
      '/sd/a.json:1: [0].labels.zone: expected a string, got a list',
    ],
    ['null for a group', '[null]', '/sd/a.json:1: [0]: expected a map, got nothing'],
    ['no targets', '[{"labels": {}}]', '/sd/a.json:1: [0].targets: is required, but missing'],
    ['not UTF-8', Uint8Array.of(0x5b, 0xff, 0x5d), 'expected UTF-8 text'],
    ['unreadable', 'EACCES', 'EACCES: permission denied'],
  ])('%s', async (_, content, message) => {
    const { files, clock, updates, logger } = await setup(['/sd/*.json'], { '/sd/a.json': json('old:1'), '/sd/b.json': json('b:1') });
    files.content.set('/sd/a.json', content);
    files.content.set('/sd/b.json', json('b:2'));
    files.changed();
    await clock.advance(200);
    expect(updates.at(-1)).toEqual([group('old:1', '/sd/a.json'), group('b:2', '/sd/b.json')]);
    expect(logger.lines).toEqual([
      {
        level: 'error',
        message: 'Target file not taken, its earlier targets stay',
        fields: { file: '/sd/a.json', err: expect.stringContaining(message) },
      },
    ]);
  });

  it('a folder that cannot be listed', async () => {
    const { files, clock, updates, logger, last } = await setup(['/sd/*.json'], { '/sd/a.json': json('a:1') });
    files.failing = 'EACCES';
    files.changed();
    await clock.advance(200);
    expect(updates).toHaveLength(1);
    expect(logger.text('error')).toContain(
      'Folder of target files not read, its earlier targets stay {"folder":"/sd","err":"EACCES: scandir"}',
    );
    files.failing = undefined;
    files.content.set('/sd/a.json', json('a:2'));
    files.changed();
    await clock.advance(200);
    expect(last()).toEqual([group('a:2', '/sd/a.json')]);
  });
});

it('sees files replaced by rename in a real folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'file-sd-'));
  const path = join(folder, 'targets.json');
  const abort = new AbortController();
  try {
    await writeFile(path, json('a:1'));
    const clock = new ManualClock();
    let told: (groups: readonly TargetGroup[]) => void = () => {};
    const logger = new FakeLogger();
    const updates: (readonly TargetGroup[])[] = [];
    await fileDiscovery(
      { kind: 'file', files: [join(folder, '*.json')], refreshIntervalMs: 300_000 },
      { files: nodeFiles, clock, logger, metrics: createRegistry() },
    ).start((groups) => {
      updates.push(groups);
      told(groups);
    }, abort.signal);
    const second = new Promise((resolve) => {
      told = resolve;
    });
    await writeFile(join(folder, '.new'), json('a:2'));
    await rename(join(folder, '.new'), path);
    // The system's event comes when it comes; then only the quiet time is left on the clock.
    while ((clock.untilNext ?? 0) > 1000) await settle();
    await clock.advance(100);
    expect(await second).toEqual([group('a:2', path)]);
  } finally {
    abort.abort();
    await rm(folder, { recursive: true });
  }
});
