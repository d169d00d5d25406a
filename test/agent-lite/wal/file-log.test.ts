import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileStore } from '../../../agent-lite/wal/file-store.ts';
import { LogLockedError } from '../../../agent-lite/wal/store.ts';
import { logWorld, numbered, plain, readAll, tableOf, targetOf } from '../../fakes/wal.ts';

const holder = fileURLToPath(new URL('../../fakes/wal-holder.ts', import.meta.url));
const table = await tableOf('a', 'b', 'c', 'd');

describe('a log in files', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'agent-lite-log-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  const hold = async (count: number): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [holder, directory, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  };

  it('has one process; when that is killed the next one has every record', async () => {
    const world = logWorld();
    const child = await hold(25);
    const refused = await world.open(new FileStore(directory)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LogLockedError);
    expect(String(refused)).toContain(String(child.pid));
    expect(String(refused)).toContain(directory);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const log = await world.open(new FileStore(directory));
    const { scrapes, gaps } = await readAll(log);
    expect(gaps).toEqual([]);
    expect(scrapes).toHaveLength(25);
    // The child's clock started where this one's did.
    for (let n = 1; n <= 25; n++) {
      await world.clock.advance(1000);
      expect(plain(scrapes[n - 1] ?? numbered(0, world.clock, [], table))).toEqual(plain(numbered(n, world.clock, targetOf('x:1'), table)));
    }
    await log.close();
    expect(await readdir(directory)).toEqual(['cursors.json', 'positions.json', 'set-aside', 'wal']);
  });

  it('the lock of a process whose id was given anew is stale', async () => {
    const world = logWorld();
    const mine = async () => JSON.parse(await readFile(join(directory, 'lock'), 'utf8')) as Record<string, unknown>;
    const first = await world.open(new FileStore(directory));
    const owner = await mine();
    expect(owner).toMatchObject({ pid: process.pid });
    await expect(world.open(new FileStore(directory))).rejects.toBeInstanceOf(LogLockedError);
    await first.close();
    for (const stale of [{ ...owner, started: '1' }, { ...owner, boot: 'another' }, { ...owner, pid: 2 ** 22 + 1 }, 'torn', '']) {
      await writeFile(join(directory, 'lock'), typeof stale === 'string' ? stale : JSON.stringify(stale));
      const log = await world.open(new FileStore(directory));
      expect(await mine()).toEqual(owner);
      await log.close();
    }
    // Left by a process that was killed in the middle of taking a lock over.
    await writeFile(join(directory, 'lock'), '');
    await writeFile(join(directory, 'lock.takeover'), JSON.stringify({ ...owner, started: '1' }));
    await (await world.open(new FileStore(directory))).close();
    expect(await readdir(directory)).toEqual(['cursors.json', 'positions.json', 'set-aside', 'wal']);
  });

  it('of several processes that find a stale lock one gets it', async () => {
    await writeFile(join(directory, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1, started: '1', boot: '' }));
    const stores = Array.from({ length: 5 }, () => new FileStore(directory));
    const results = await Promise.allSettled(stores.map((store) => store.lock()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(LogLockedError);
  });

  it('goes on when its directory is deleted under it', async () => {
    const world = logWorld();
    const log = await world.open(new FileStore(directory));
    const append = async (n: number): Promise<void> => {
      await world.clock.advance(1000);
      await log.append(numbered(n, world.clock, targetOf('x:1'), table));
    };
    for (let n = 1; n <= 10; n++) await append(n);
    await rm(directory, { recursive: true });
    await expect(readAll(log)).rejects.toMatchObject({ name: 'StoreError' });
    expect(log.status().mode).toBe('memory');
    for (let n = 11; n <= 20; n++) await append(n);
    await world.clock.advance(30_000);
    // The retry is under way; what is asked now comes after it.
    await log.sync();
    expect(log.status().mode).toBe('file');
    for (let n = 21; n <= 30; n++) await append(n);
    const { scrapes, gaps } = await readAll(log);
    expect(scrapes).toHaveLength(20);
    expect(gaps).toHaveLength(1);
    expect(await readdir(directory)).toContain('lock');
    await log.close();
  });

  it('a place that is a file, or under one, is an error', async () => {
    const world = logWorld();
    await writeFile(join(directory, 'x'), 'x');
    await expect(world.open(new FileStore(join(directory, 'x')))).rejects.toMatchObject({ name: 'StoreError', reason: 'failed' });
    await expect(world.open(new FileStore(join(directory, 'x', 'y')))).rejects.toMatchObject({ name: 'StoreError', reason: 'failed' });
  });

  it('leaves foreign files and folders alone', async () => {
    const world = logWorld();
    await mkdir(join(directory, 'wal', 'folder'), { recursive: true });
    await writeFile(join(directory, 'wal', 'README'), 'mine');
    await writeFile(join(directory, 'clock.json'), '{}');
    await (await world.open(new FileStore(directory))).close();
    expect(await readFile(join(directory, 'wal', 'README'), 'utf8')).toBe('mine');
    expect(await readdir(join(directory, 'wal'))).toEqual(['0000000000000001.seg', 'README', 'folder']);
  });
});
