import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FORMAT_VERSION } from '../../../agent-lite/wal/format.ts';
import { PUSH_FORMAT } from '../../../contract/push.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { type Card, newCard } from '../device.ts';
import type { HandedOut } from '../ledger.ts';

/** What an agent of some version has left: its log, and every request that it made, kept from then on (README.md). */
export interface VersionFixture {
  readonly name: string;
  readonly handedOut: readonly HandedOut[];
  /** Of the agent's requests, those that the edge had answered when the log was copied. */
  readonly answered: number;
  readonly requests: readonly StoredRequest[];
  readonly card: Card;
  /** Of the last scrape. */
  readonly endMs: number;
}
export interface StoredRequest {
  readonly method: 'HEAD' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

export const FIXTURES = join(import.meta.dirname, '../../fixtures/versions');
export const PRESENT = `log-${FORMAT_VERSION}-push-${PUSH_FORMAT}`;
const SMALL_FILES = ['cursors.json', 'positions.json'];

interface Description extends Pick<VersionFixture, 'handedOut' | 'answered' | 'endMs'> {
  readonly clock: string | undefined;
  readonly requests: readonly (Omit<StoredRequest, 'body'> & { readonly body: string | null })[];
}

export async function writeFixture({ name, card, requests, ...rest }: VersionFixture): Promise<void> {
  const folder = join(FIXTURES, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'wal'), { recursive: true });
  const { store, clockStore } = card;
  for (const entry of await store.list('wal'))
    await writeFile(join(folder, 'wal', entry.name), await store.read('wal', entry.name, 0, entry.bytes));
  for (const file of SMALL_FILES) {
    const bytes = await store.readFile(file);
    if (bytes !== undefined) await writeFile(join(folder, file), bytes);
  }
  const described: Description = {
    ...rest,
    clock: await clockStore.load(),
    requests: requests.map(({ body, ...request }) => ({
      ...request,
      body: body === undefined ? null : Buffer.from(body).toString('base64'),
    })),
  };
  await writeFile(join(folder, 'ledger.json'), `${JSON.stringify(described, undefined, 2)}\n`);
}

export async function readFixtures(): Promise<readonly VersionFixture[]> {
  const names = (await readdir(FIXTURES, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(names.sort().map(readFixture));
}

async function readFixture(name: string): Promise<VersionFixture> {
  const folder = join(FIXTURES, name);
  const { clock, requests, ...rest } = JSON.parse(await readFile(join(folder, 'ledger.json'), 'utf8')) as Description;
  const store = new UnreliableStore();
  for (const file of await readdir(join(folder, 'wal')))
    await store.create('wal', file, new Uint8Array(await readFile(join(folder, 'wal', file))), true);
  for (const file of SMALL_FILES) {
    const bytes = await readFile(join(folder, file)).catch(() => undefined);
    if (bytes !== undefined) await store.replaceFile(file, new Uint8Array(bytes), true);
  }
  const card = newCard(store);
  if (clock !== undefined) await card.clockStore.save(clock);
  const bytesOf = (body: string | null) => (body === null ? undefined : new Uint8Array(Buffer.from(body, 'base64')));
  return { ...rest, name, card, requests: requests.map(({ body, ...request }) => ({ ...request, body: bytesOf(body) })) };
}
