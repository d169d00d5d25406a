import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { columnCompression, sha256 } from '../platform/bytes.ts';
import { createClock } from '../platform/clock.ts';
import { FileStore } from '../wal/file-store.ts';
import { LogLockedError, StoreError } from '../wal/store.ts';
import { dumpLog } from '../wal/tools/dump.ts';
import type { ToolOptions } from '../wal/tools/find.ts';
import { inspectLog } from '../wal/tools/inspect.ts';
import { repairLog } from '../wal/tools/repair.ts';
import type { Output } from './migrate.ts';
import { systemErrorText } from './system-error.ts';
import { parseWalArguments, type WalCommand, walHelp } from './wal-arguments.ts';
import { damageText, inspectText } from './wal-text.ts';

/** Runs `agent-lite wal`; resolves to the exit code. */
export async function runWal(args: readonly string[], output: Output): Promise<number> {
  const parsed = parseWalArguments(args);
  if (!parsed.ok) {
    output.stderr(`agent-lite: error: wal: ${parsed.error}\nTry: agent-lite wal --help\n`);
    return 2;
  }
  if (parsed.value === 'help') {
    output.stdout(walHelp);
    return 0;
  }
  const { directory } = parsed.value;
  try {
    await stat(join(directory, 'wal'));
    const store = new FileStore(directory);
    const options = { store, clock: createClock(), sha256, compression: columnCompression };
    return await run(parsed.value, options, await store.holder(), output.stdout);
  } catch (cause) {
    const known = cause instanceof StoreError || cause instanceof LogLockedError;
    if (!known && !(cause instanceof Error && 'syscall' in cause)) throw cause;
    const what = known ? cause.message : `${directory}: cannot read a log here: ${systemErrorText(cause)}`;
    output.stderr(`agent-lite: error: wal: ${what}\n`);
    return 1;
  }
}

async function run(command: WalCommand, options: ToolOptions, holder: number | undefined, stdout: Output['stdout']): Promise<number> {
  const { action, directory, json } = command;
  const tell = (value: unknown, text: string): void => stdout(json ? `${JSON.stringify(value, null, 2)}\n` : text);
  switch (action) {
    case 'inspect': {
      const report = await inspectLog(options);
      tell({ directory, holder: holder ?? null, ...report }, inspectText(directory, report, holder));
      return 0;
    }
    case 'verify': {
      const { damage, total } = await inspectLog(options);
      // An agent that is writing just now has a record of which only a part is there yet.
      const places = damage.filter(({ kind }) => kind !== 'torn' || holder === undefined);
      const open = places.filter(({ setAside }) => !setAside).length;
      const verdict = open === 0 ? 'OK' : `DAMAGED in ${open} ${open === 1 ? 'place' : 'places'}, see agent-lite wal repair --help`;
      const lines = [...places.map(damageText), `${directory}: ${total.scrapes} scrapes, ${total.samples} samples can be read: ${verdict}`];
      tell({ directory, ok: open === 0, ...total, damage: places }, `${lines.join('\n')}\n`);
      return open === 0 ? 0 : 1;
    }
    case 'dump':
      for await (const text of dumpLog({ ...options, ...command })) if (text !== '') stdout(text);
      return 0;
    case 'repair': {
      const repairs = await repairLog(options);
      const lines = repairs.map(({ place, done }) => `${damageText({ ...place, setAside: false })}: ${done}`);
      tell({ directory, repairs }, `${[...lines, repairs.length === 0 ? 'Nothing to repair.' : 'Repaired.'].join('\n')}\n`);
      return 0;
    }
  }
}
