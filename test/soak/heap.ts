/** Isolates of the simulated platform that answer nothing to this. */
const DEADLINE_MS = 5_000;

interface Inspectable {
  readonly title?: string;
  readonly webSocketDebuggerUrl?: string;
}

interface HeapUsage {
  readonly usedSize?: number;
  readonly backingStorageSize?: number;
}

/**
 * Bytes that a process keeps: has every isolate behind the inspector collect its garbage, and adds up what is left in the heaps of those
 * whose title `counts` takes, array buffers included. With little to do V8 puts collecting off for longer than a soak lasts, so that what
 * only waits for it looks like a leak; this does not. Undefined where one of them does not answer, say since it is being killed just now.
 */
export async function retainedHeap(inspectorPort: number, counts: (title: string) => boolean = () => true): Promise<number | undefined> {
  const list = await fetch(`http://127.0.0.1:${inspectorPort}/json`, { signal: AbortSignal.timeout(DEADLINE_MS) })
    .then(async (answer) => (await answer.json()) as readonly Inspectable[])
    .catch((): readonly Inspectable[] => []);
  const kept = await Promise.all(
    list.map(async ({ title = '', webSocketDebuggerUrl: url }) => {
      const bytes = url === undefined ? undefined : await keptBy(url);
      return counts(title) ? [bytes] : [];
    }),
  );
  const counted = kept.flat();
  if (counted.length === 0 || counted.includes(undefined)) return undefined;
  return counted.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}

/** Of the isolates in the local edge the one with the Worker and its objects; the others are Miniflare's, which play bucket and cache. */
export const isWorker = (title: string): boolean => title.includes('user:');

function keptBy(url: string): Promise<number | undefined> {
  return new Promise((done) => {
    const socket = new WebSocket(url);
    const end = (bytes?: number): void => {
      clearTimeout(deadline);
      socket.close();
      done(bytes);
    };
    const deadline = setTimeout(end, DEADLINE_MS);
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }));
      socket.send(JSON.stringify({ id: 2, method: 'Runtime.getHeapUsage' }));
    });
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { readonly id?: number; readonly result?: HeapUsage };
      if (id !== 2) return;
      end(result?.usedSize === undefined ? undefined : result.usedSize + (result.backingStorageSize ?? 0));
    });
    socket.addEventListener('error', () => end());
  });
}
