import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../../agent-lite/wal/file-store.ts';
import { MemoryStore } from '../../agent-lite/wal/memory-store.ts';
import { type StoreUnderTest, segmentStoreSuite } from './segment-store.ts';

segmentStoreSuite('memory', async () => {
  const store = new MemoryStore();
  return { store, again: () => store, cleanUp: async () => undefined };
});

const files = async (nowMs?: () => number): Promise<StoreUnderTest> => {
  const directory = await mkdtemp(join(tmpdir(), 'agent-lite-store-'));
  const path = join(directory, 'data');
  return {
    store: new FileStore(path, nowMs),
    again: () => new FileStore(path, nowMs),
    cleanUp: () => rm(directory, { recursive: true }),
  };
};

segmentStoreSuite('files, by the thread pool', () => files());
segmentStoreSuite('files, written at once', () => files(() => 0));
