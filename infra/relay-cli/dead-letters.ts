import { parseArgs } from 'node:util';
import { type ListedLetter, tenantOf } from '../../functions/admin/letters.ts';
import { UsageError } from '../local/arguments.ts';
import { EdgeClient, EdgeRefusal } from './edge-client.ts';
import type { Rim } from './rim.ts';

/** Letters asked for at once; the edge reads each one's header. */
const PAGE = 100;

/** `dead-letters list | show | replay | drop`; returns the exit code. */
export async function deadLetters(args: readonly string[], rim: Rim): Promise<number> {
  const { flags, words } = readArguments(args);
  const [command, ...ids] = words;
  if (command === undefined || !['list', 'show', 'replay', 'drop'].includes(command))
    throw new UsageError(
      `dead-letters: expected list, show, replay or drop, got ${command === undefined ? 'nothing' : JSON.stringify(command)}`,
    );
  for (const id of ids) {
    if (tenantOf(id) === undefined)
      throw new UsageError(`dead-letters: expected an ID as in the list (TENANT/NAME), got ${JSON.stringify(id)}`);
  }
  if (command === 'list' && ids.length > 0) throw new UsageError('dead-letters list: expected no ID');
  if (command === 'show' && (ids.length !== 1 || flags.all)) throw new UsageError('dead-letters show: expected one ID');
  if ((command === 'replay' || command === 'drop') && flags.all === ids.length > 0)
    throw new UsageError(`dead-letters ${command}: expected IDs or --all`);
  if (flags.tenant !== undefined && ids.length > 0) throw new UsageError('--tenant: expected it with list or --all, not with an ID');

  const edge = await EdgeClient.open({ edge: flags.edge, tokenFile: flags['token-file'] }, rim);
  const [id] = ids;
  if (command === 'show' && id !== undefined) {
    rim.out(flags.json ? `${JSON.stringify(await edge.show(id))}\n` : printable(await edge.showText(id)));
    return 0;
  }
  if (command === 'list') return list(edge, flags, rim);
  const chosen = flags.all ? lettersOf(edge, flags.tenant) : ids.map((one) => ({ id: one }));
  return command === 'replay'
    ? eachLetter(chosen, 'replayed', (one) => edge.replay(one), rim)
    : eachLetter(chosen, 'dropped', (one) => edge.drop(one), rim);
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: {
        edge: { type: 'string', default: 'http://127.0.0.1:8787' },
        'token-file': { type: 'string' },
        tenant: { type: 'string' },
        all: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    return { flags: values, words: positionals };
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function list(edge: EdgeClient, flags: { tenant?: string; all: boolean; json: boolean }, { out, err }: Rim): Promise<number> {
  let told = 0;
  for await (const letter of lettersOf(edge, flags.tenant)) {
    if (!flags.all && told === PAGE) {
      err(`There are more: --all lists every letter.\n`);
      break;
    }
    out(flags.json ? `${JSON.stringify(letter)}\n` : describe(letter));
    told++;
  }
  if (told === 0) err('No dead letters.\n');
  return 0;
}

/** Pages of the listing, asked for as they are needed; letters that come later than the start of a page are found too. */
async function* lettersOf(edge: EdgeClient, tenant: string | undefined): AsyncGenerator<ListedLetter> {
  let after: string | undefined;
  do {
    const query = { limit: String(PAGE), ...(tenant === undefined ? {} : { tenant }), ...(after === undefined ? {} : { after }) };
    const page = await edge.list(query);
    yield* page.letters;
    after = page.next;
  } while (after !== undefined);
}

/** One letter's refusal does not hold up the others; a token that is refused, or an edge that is away, ends it all. */
async function eachLetter(
  letters: Iterable<{ readonly id: string }> | AsyncIterable<{ readonly id: string }>,
  done: string,
  task: (id: string) => Promise<unknown>,
  { out, err }: Rim,
): Promise<number> {
  let good = 0;
  let bad = 0;
  for await (const { id } of letters) {
    try {
      await task(id);
      good++;
      out(`${done} ${id}\n`);
    } catch (error) {
      if (!(error instanceof EdgeRefusal) || error.status === 401) throw error;
      bad++;
      err(printable(`not ${done}: ${id}: ${error.message}\n`));
    }
  }
  if (good + bad !== 1) out(`${good} ${done}, ${bad} not\n`);
  return bad === 0 ? 0 : 1;
}

function describe(letter: ListedLetter): string {
  if ('fault' in letter) return printable(`${letter.id}\n  not readable: ${letter.fault}; ${letter.bytes} bytes\n`);
  const { id, reason, receiver, status, words, devices, samples, minMs, maxMs, bytes } = letter;
  const more = devices.length > 3 ? ` and ${devices.length - 3} more` : '';
  return printable(
    `${id}\n` +
      `  ${reason}: ${receiver} answered ${status}: ${words.replace(/\s+/g, ' ').slice(0, 200)}\n` +
      `  ${samples} samples of ${devices.slice(0, 3).join(', ')}${more}, ${time(minMs)} to ${time(maxMs)}, ${bytes} bytes\n`,
  );
}

const time = (ms: number): string => (Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms));

/** A receiver's words and a device's labels must not steer the operator's terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const printable = (text: string): string => text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '?');
