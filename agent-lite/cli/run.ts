import { VERSION } from '../../contract/version.ts';
import { startAgent } from '../agent.ts';
import { createClock } from '../platform/clock.ts';
import { createLogger } from '../telemetry/logger.ts';
import { parseCommandLine } from './command-line.ts';
import type { RunOptions } from './flags.ts';
import { helpText } from './help.ts';
import { loadConfig, loadWholeConfig } from './load-config.ts';
import { type ProcessEvents, runUntilSignal } from './signals.ts';

/** The process around a command. */
export interface Surroundings {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly events: ProcessEvents;
  /** Ends the process now. */
  readonly exit: (code: number) => void;
}

/** Runs a command line to its end. Resolves to the exit code: 0 ok, 1 failure, 2 usage. */
export async function runCommandLine(args: readonly string[], around: Surroundings): Promise<number> {
  // Has flags of its own, and behind -- those of vmagent.
  if (args[0] === 'migrate') {
    // Not loaded by an agent that runs for years.
    const { runMigrate } = await import('./migrate.ts');
    return await runMigrate(args.slice(1), around);
  }
  if (args[0] === 'wal') {
    const { runWal } = await import('./wal.ts');
    return await runWal(args.slice(1), around);
  }
  const command = parseCommandLine(args);
  if (!command.ok) {
    around.stderr(`agent-lite: error: ${command.error}\nTry: agent-lite --help\n`);
    return 2;
  }
  switch (command.value.kind) {
    case 'help':
      around.stdout(helpText());
      return 0;
    case 'version':
      around.stdout(
        `agent-lite, version ${VERSION}\n  node version: ${process.version}\n  platform:     ${process.platform}/${process.arch}\n`,
      );
      return 0;
    case 'check-config':
      return await checkConfig(command.value.file, around);
    case 'run':
      return await run(command.value.options, around);
  }
}

async function checkConfig(file: string, around: Surroundings): Promise<number> {
  around.stdout(`Checking ${file}\n`);
  const config = await loadWholeConfig(file, around.env);
  if (!config.ok) {
    around.stderr(`${config.error.trimEnd().replace(/^/gm, '  FAILED: ')}\n`);
    return 1;
  }
  const { scrapeConfigs, edgePush, remoteWrite } = config.value;
  const receivers = [edgePush?.url, ...remoteWrite.map(({ name }) => `remote_write ${name}`)].filter((name) => name !== undefined);
  around.stdout(`  SUCCESS: ${file} is valid: ${scrapeConfigs.length} in scrape_configs, pushed to ${receivers.join(', ')}\n`);
  return 0;
}

async function run(options: RunOptions, around: Surroundings): Promise<number> {
  const clock = createClock();
  const logger = createLogger({ level: options.logLevel, format: options.logFormat, clock, write: around.stderr });
  const config = await loadConfig(options.configFile, around.env);
  if (!config.ok) {
    around.stderr(`${config.error.trimEnd().replace(/^/gm, 'agent-lite: error: ')}\n`);
    return 1;
  }
  const quit = new AbortController();
  try {
    const agent = await startAgent({
      config: config.value,
      ...{ options, clock, logger, env: around.env },
      loadConfig: () => loadWholeConfig(options.configFile, around.env),
      quit: () => quit.abort(),
    });
    return await runUntilSignal(around.events, {
      logger,
      exit: around.exit,
      stop: () => agent.stop(),
      reload: () => agent.reload(),
      quit: quit.signal,
    });
  } catch (cause) {
    logger.log('error', 'agent-lite could not start', { err: cause });
    return 1;
  } finally {
    logger.flush();
  }
}
