import { readFile } from 'node:fs/promises';
import { formatConfigErrors, parseRelayConfig } from '../../functions/config/parse.ts';
import { UsageError } from '../local/arguments.ts';
import type { Rim } from './rim.ts';

/** 0: the edge would start with it; 1: it would not, and every fault is told with its place. */
export async function checkConfig(args: readonly string[], { out, err }: Pick<Rim, 'out' | 'err'>): Promise<number> {
  const [file, ...more] = args;
  if (file === undefined || file.startsWith('-') || more.length > 0) throw new UsageError('check-config: expected one FILE');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`${file}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, { cause });
  }
  const config = parseRelayConfig(text, file);
  if (!config.ok) {
    err(`${formatConfigErrors(config.error)}\n`);
    return 1;
  }
  out(`${file}: valid\n`);
  return 0;
}
