import { access, constants, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { err, type Result } from '../../contract/result.ts';
import { nodeConfigFiles } from '../config/files-node.ts';
import { formatConfigErrors, parseAgentConfig } from '../config/parse.ts';
import type { AgentConfig } from '../config/types.ts';
import { namedFiles } from './named-files.ts';
import { systemErrorText } from './system-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The checked configuration, or a message that says what to do. */
export async function loadConfig(file: string, env: Environment): Promise<Result<AgentConfig, string>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    return err(`${file}: ${systemErrorText(cause)}. Name the configuration with --config.file=PATH.`);
  }
  const config = parseAgentConfig(text, { file, baseDir: dirname(resolve(file)), env, files: nodeConfigFiles });
  return config.ok ? config : err(formatConfigErrors(config.error));
}

/**
 * The same with the files it names, which have to be readable: what a running agent changes to must work, while a device that
 * starts must measure although its token is not there yet.
 */
export async function loadWholeConfig(file: string, env: Environment): Promise<Result<AgentConfig, string>> {
  const config = await loadConfig(file, env);
  if (!config.ok) return config;
  const unreadable: string[] = [];
  for (const { place, path } of namedFiles(config.value)) {
    try {
      await access(path, constants.R_OK);
    } catch (cause) {
      unreadable.push(`${place}: ${path}: ${systemErrorText(cause)}`);
    }
  }
  return unreadable.length === 0 ? config : err(unreadable.join('\n'));
}
