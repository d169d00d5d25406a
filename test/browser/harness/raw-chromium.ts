import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHROMIUM, CONTAINER_FLAGS, type FunctionOf, type Parts, servePage } from './chromium.ts';

/**
 * A Chromium that is driven by the DevTools protocol alone. Playwright makes every page believe that it is seen and has the focus;
 * here tabs are hidden, throttled and frozen as the browser does it.
 */
export interface RawSite {
  readonly origin: string;
  /** A new tab that has loaded the site; it is the one that is seen. */
  tab(): Promise<RawTab>;
  close(): Promise<void>;
}

export interface RawTab {
  call<P extends keyof Parts, F extends keyof Parts[P] & string>(
    part: P,
    name: F,
    ...args: FunctionOf<P, F>['args']
  ): Promise<FunctionOf<P, F>['result']>;
  evaluate(expression: string): Promise<unknown>;
  /** Hides the others. */
  show(): Promise<void>;
  /** Only of hidden tabs. */
  setLifecycle(state: 'frozen' | 'active'): Promise<void>;
  /** Its process ends without a word, as that of a discarded tab. */
  discard(): Promise<void>;
  close(): Promise<void>;
}

export async function openRawSite(): Promise<RawSite> {
  const profile = await mkdtemp(join(tmpdir(), 'agent-lite-chromium-'));
  const server = await servePage();
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const flags = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...CONTAINER_FLAGS, 'about:blank'];
  const chromium = spawn(CHROMIUM, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  const devTools = await connect(await addressOf(chromium));
  return {
    origin,
    async tab() {
      const { targetId } = (await devTools.send('Target.createTarget', { url: `${origin}/` })) as { targetId: string };
      const { sessionId } = (await devTools.send('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string };
      const tab = rawTab(devTools, targetId, sessionId);
      for (let ready = false; !ready; ) ready = (await tab.evaluate("document.readyState === 'complete' && 'page' in globalThis")) === true;
      return tab;
    },
    async close() {
      devTools.close();
      chromium.kill('SIGKILL');
      if (chromium.exitCode === null && chromium.signalCode === null) await once(chromium, 'exit');
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function rawTab({ send }: DevTools, targetId: string, sessionId: string): RawTab {
  async function evaluate(expression: string): Promise<unknown> {
    const answer = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
    const { result, exceptionDetails } = answer as { result?: { value?: unknown }; exceptionDetails?: object };
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result?.value;
  }
  return {
    evaluate,
    async call(part, name, ...args) {
      return (await evaluate(`page[${JSON.stringify(part)}][${JSON.stringify(name)}](...${JSON.stringify(args)})`)) as never;
    },
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
