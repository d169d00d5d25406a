import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's; another may be named. */
export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Tests run as a container's root, with its small /dev/shm. */
export const CONTAINER_FLAGS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] as const;

/**
 * A Chromium that is driven by the DevTools protocol alone, with a profile of its own on the disk. Playwright makes every page believe
 * that it is seen and has the focus; here tabs are hidden, throttled and frozen as the browser does it.
 */
export interface RawChromium {
  /** A new tab that has loaded `url`; it is the one that is seen. `ready`: an expression that is true once its script has run. */
  tab(url: string, ready: string): Promise<DevToolsTab>;
  close(): Promise<void>;
}

export interface DevToolsTab {
  evaluate(expression: string): Promise<unknown>;
  /** A command of the DevTools protocol. */
  send(method: string, params: object): Promise<unknown>;
  /** Hides the others. */
  show(): Promise<void>;
  /** Only of hidden tabs. */
  setLifecycle(state: 'frozen' | 'active'): Promise<void>;
  /** Its process ends without a word, as that of a discarded tab. */
  discard(): Promise<void>;
  close(): Promise<void>;
}

export async function startRawChromium(): Promise<RawChromium> {
  const profile = await mkdtemp(join(tmpdir(), 'agent-lite-chromium-'));
  const flags = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...CONTAINER_FLAGS, 'about:blank'];
  const chromium = spawn(CHROMIUM, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  const devTools = await connect(await addressOf(chromium));
  return {
    async tab(url, isReady) {
      const { targetId } = (await devTools.send('Target.createTarget', { url })) as { targetId: string };
      const { sessionId } = (await devTools.send('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string };
      const tab = devToolsTab(devTools, targetId, sessionId);
      for (let ready = false; !ready; ) ready = (await tab.evaluate(`document.readyState === 'complete' && ${isReady}`)) === true;
      return tab;
    },
    async close() {
      devTools.close();
      chromium.kill('SIGKILL');
      if (chromium.exitCode === null && chromium.signalCode === null) await once(chromium, 'exit');
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function devToolsTab({ send }: DevTools, targetId: string, sessionId: string): DevToolsTab {
  async function evaluate(expression: string): Promise<unknown> {
    const answer = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
    const { result, exceptionDetails } = answer as { result?: { value?: unknown }; exceptionDetails?: object };
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result?.value;
  }
  return {
    evaluate,
    send: (method, params) => send(method, params, sessionId),
    async show() {
      await send('Target.activateTarget', { targetId });
    },
    async setLifecycle(state) {
      await send('Page.setWebLifecycleState', { state }, sessionId);
    },
    async discard() {
      // Nobody answers it.
      send('Page.crash', {}, sessionId).catch(() => undefined);
      await send('Target.closeTarget', { targetId });
    },
    async close() {
      await send('Target.closeTarget', { targetId });
    },
  };
}

interface DevTools {
  send(method: string, params: object, sessionId?: string): Promise<unknown>;
  close(): void;
}

async function connect(url: string): Promise<DevTools> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;
  socket.onmessage = ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } };
    const asked = id === undefined ? undefined : waiting.get(id);
    if (id !== undefined) waiting.delete(id);
    if (error !== undefined) asked?.reject(new Error(error.message));
    else asked?.resolve(result);
  };
  return {
    send(method, params, sessionId) {
      return new Promise((resolve, reject) => {
        waiting.set(++last, { resolve, reject });
        socket.send(JSON.stringify({ id: last, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
      });
    },
    close: () => socket.close(),
  };
}

/** What it says first. Rejects where it ends before. */
async function addressOf({ stderr }: ChildProcess): Promise<string> {
  let said = '';
  for await (const part of stderr ?? []) {
    said += part;
    const [, url] = /listening on (ws:\/\/\S+)/.exec(said) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`Chromium did not start: ${said}`);
}
