import { FormatError } from '../../contract/binary.ts';
import type { ReceiverConfig } from '../config/types.ts';
import { type DeadLetterHeader, decodeDeadLetter } from '../dead-letter.ts';
import type { ObjectStore, Verdict } from '../model.ts';
import { type DevicesOf, showDevices } from './devices.ts';
import { keyOf, listLetters, tenantOf } from './letters.ts';
import { isName, NAME_EXPECTED, wholeNumber } from './parameters.ts';
import { tooOldFor } from './replay.ts';
import { type AdminReply, badRequest, notAllowed, notFound, success } from './reply.ts';
import { DEFAULT_SHOWN_SERIES, MAX_SHOWN_SERIES, showAsText, showBlock } from './show.ts';

export const ADMIN_PATH = '/api/v1/admin/';
const DEAD_LETTERS = `${ADMIN_PATH}dead-letters`;
const DEVICES = `${ADMIN_PATH}devices`;

export interface AdminContext {
  readonly store: ObjectStore;
  readonly receivers: readonly ReceiverConfig[];
  readonly devices: DevicesOf;
  /** One POST to a receiver in the name of a tenant. Throws where a secret of the receiver is not set. */
  readonly send: (receiver: ReceiverConfig, tenant: string, block: Uint8Array<ArrayBuffer>) => Promise<Verdict>;
  /** Ms. */
  readonly now: () => number;
  readonly count: (metric: string) => void;
}

const DEFAULT_LISTED = 100;
/** Two requests to the bucket for each, of the thousand that a request may make. */
const MAX_LISTED = 300;

/**
 * What an operator may ask, already known to be one:
 * `GET dead-letters?tenant=&limit=&after=`, `GET dead-letters/TENANT/NAME?format=text&series=`,
 * `POST dead-letters/TENANT/NAME/replay`, `DELETE dead-letters/TENANT/NAME`, `GET devices?tenant=&device=&limit=&after=&format=text`.
 */
export async function handleAdmin(request: Request, context: AdminContext): Promise<AdminReply> {
  const { pathname, searchParams } = new URL(request.url);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  if (pathname === DEAD_LETTERS) return method === 'GET' ? list(searchParams, context) : notAllowed('GET, HEAD');
  if (pathname === DEVICES) return method === 'GET' ? showDevices(searchParams, context.devices) : notAllowed('GET, HEAD');
  if (!pathname.startsWith(`${DEAD_LETTERS}/`)) return notFound('no such path');
  const rest = pathname.slice(DEAD_LETTERS.length + 1);
  const replaying = rest.endsWith('/replay');
  const id = replaying ? rest.slice(0, -'/replay'.length) : rest;
  if (tenantOf(id) === undefined) return notFound('no such dead letter: expected TENANT/NAME as in the list');
  if (replaying) return method === 'POST' ? replay(id, context) : notAllowed('POST');
  if (method === 'GET') return show(id, searchParams, context);
  return method === 'DELETE' ? drop(id, context) : notAllowed('GET, HEAD, DELETE');
}

async function list(parameters: URLSearchParams, { store }: AdminContext): Promise<AdminReply> {
  const tenant = parameters.get('tenant') ?? undefined;
  const after = parameters.get('after') ?? undefined;
  const limit = wholeNumber(parameters.get('limit'), DEFAULT_LISTED, MAX_LISTED);
  if (limit === undefined) return badRequest(`limit: expected a number from 1 to ${MAX_LISTED}`);
  if (tenant !== undefined && !isName(tenant)) return badRequest(`tenant: ${NAME_EXPECTED}`);
  if (after !== undefined && tenantOf(after) === undefined) return badRequest('after: expected the id of a dead letter');
  return success(await listLetters(store, { tenant, limit, after }));
}

async function show(id: string, parameters: URLSearchParams, { store }: AdminContext): Promise<AdminReply> {
  const format = parameters.get('format') ?? 'json';
  if (format !== 'json' && format !== 'text') return badRequest('format: expected json or text');
  const limit = wholeNumber(parameters.get('series'), DEFAULT_SHOWN_SERIES, MAX_SHOWN_SERIES);
  if (limit === undefined) return badRequest(`series: expected a number from 1 to ${MAX_SHOWN_SERIES}`);
  const letter = await read(id, store);
  if ('status' in letter) return letter;
  const { header, block, bytes } = letter;
  const shown = showBlock(block, limit);
  return format === 'text' ? { status: 200, text: showAsText(id, bytes, header, shown) } : success({ id, bytes, ...header, ...shown });
}

/** Kept until the receiver has taken all of it. Twice at once does no harm: the second finds repeats, or nothing. */
async function replay(id: string, { store, receivers, send, now, count }: AdminContext): Promise<AdminReply> {
  const letter = await read(id, store);
  if ('status' in letter) return letter;
  const { receiver: name } = letter.header;
  const receiver = receivers.find((candidate) => candidate.name === name);
  if (receiver === undefined) return { status: 409, errorType: 'no_receiver', error: noReceiver(name, receivers) };
  const tooOld = tooOldFor(receiver, letter.header, now());
  if (tooOld !== undefined) return { status: 409, errorType: 'too_old', error: tooOld };
  const { status, words } = await send(receiver, tenantOf(id) ?? '', letter.block);
  if (status < 200 || status >= 300) {
    const answer = status === 0 ? `did not answer: ${words}` : `answered ${status}: ${words}`;
    return { status: 502, errorType: 'receiver', error: `receiver ${receiver.name} ${answer}. The dead letter is kept.` };
  }
  await store.delete([keyOf(id)]);
  count('relay_dead_letters_replayed_total');
  return success({ id, receiver: receiver.name, status, samples: letter.header.samples });
}

const noReceiver = (name: string, receivers: readonly ReceiverConfig[]): string =>
  `the dead letter is meant for receiver ${name}, which is not in relay.yml (there: ${receivers.map((receiver) => receiver.name).join(', ')}). ` +
  'Add a receiver of that name, with or without a route, deploy, and replay again.';

/** Without reading it: a letter that nobody can read can be dropped as well. */
async function drop(id: string, { store, count }: AdminContext): Promise<AdminReply> {
  if ((await store.head(keyOf(id))) === undefined) return noLetter;
  await store.delete([keyOf(id)]);
  count('relay_dead_letters_dropped_total');
  return success({ id });
}

const noLetter = notFound('no such dead letter: it may have been replayed, dropped, or deleted after dead_letter_retention');

type ReadLetter = { readonly header: DeadLetterHeader; readonly block: Uint8Array<ArrayBuffer>; readonly bytes: number };

async function read(id: string, store: ObjectStore): Promise<ReadLetter | AdminReply> {
  const bytes = await store.get(keyOf(id));
  if (bytes === undefined) return noLetter;
  try {
    return { ...decodeDeadLetter(bytes), bytes: bytes.length };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { status: 422, errorType: 'damaged', error: `the dead letter cannot be read: ${error.message}` };
  }
}
