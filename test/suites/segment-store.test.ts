import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../../agent-lite/wal/file-store.ts';
import { MemoryStore } from '../../agent-lite/wal/memory-store.ts';
import { segmentStoreSuite } from './segment-store.ts';

segmentStoreSuite('memory', async () => {
  const store = new MemoryStore();
  return { store, again: () => store, cleanUp: async () => undefined };
});

segmentStoreSuite('files', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'agent-lite-store-'));
  const path = join(directory, 'data');
  return {
    store: new FileStore(path),
    again: () => new FileStore(path),
    cleanUp: () => rm(directory, { recursive: true }),
  };
});
