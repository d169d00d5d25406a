/** Isolates of the simulated platform that answer nothing to this. */
const DEADLINE_MS = 3_000;

interface Inspectable {
  readonly webSocketDebuggerUrl?: string;
}

/**
 * Has every isolate of the Workers runtime collect its garbage. With little to do V8 puts that off for longer than a soak lasts, and
 * memory that is only waiting to be collected looks like a leak. Whatever is not there, or being killed just now, is passed over.
 */
export async function collectGarbage(inspectorPort: number): Promise<void> {
  const list = await fetch(`http://127.0.0.1:${inspectorPort}/json`, { signal: AbortSignal.timeout(DEADLINE_MS) })
    .then(async (answer) => (await answer.json()) as readonly Inspectable[])
    .catch((): readonly Inspectable[] => []);
  await Promise.all(list.map(({ webSocketDebuggerUrl: url }) => (url === undefined ? undefined : collect(url))));
}

function collect(url: string): Promise<void> {
  return new Promise((done) => {
    const socket = new WebSocket(url);
    const end = (): void => {
      clearTimeout(deadline);
      socket.close();
      done();
    };
    const deadline = setTimeout(end, DEADLINE_MS);
    socket.addEventListener('open', () => socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' })));
    socket.addEventListener('message', end);
    socket.addEventListener('error', end);
  });
}
