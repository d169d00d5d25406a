import { sortLabels } from '../../contract/labels.ts';
import { formatConfigErrors } from '../../contract/yaml/errors.ts';
import { parseTargetGroups } from '../../contract/yaml/target-groups.ts';
import type { FileSdConfig, TargetGroup } from '../config/types.ts';
import type { Clock, Logger, Metrics } from '../model.ts';
import type { Discovery } from './discovery.ts';
import type { Files } from './files.ts';
import { decodeUtf8 } from './utf8.ts';

export interface FileDiscoveryOptions {
  readonly files: Files;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The largest file read, bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** A writer's events come in bursts; read once they are over. */
const QUIET_MS = 100;

/**
 * `file_sd_configs`; discovery/file/file.go. Folders are watched, and all files are read again at the refresh interval. A
 * file that cannot be read or is invalid keeps the groups it had; one that is gone has none. Writers should replace files by
 * rename, so that no half-written one is ever read.
 */
export function fileDiscovery(config: FileSdConfig, options: FileDiscoveryOptions): Discovery {
  const { files, clock, logger, metrics } = options;
  const known = new Map<string, readonly TargetGroup[]>();

  /** A folder that is not there has no files; one that cannot be read has those it had. */
  async function list(folder: string): Promise<readonly string[]> {
    try {
      return await files.list(folder);
    } catch (error) {
      if (isMissing(error)) return [];
      metrics.add('agent_lite_sd_refresh_failures_total', 1, { mechanism: 'file' });
      logger.log('error', 'Folder of target files not read, its earlier targets stay', { folder, err: messageOf(error) });
      return [...known.keys()].map(splitPath).flatMap((path) => (path.folder === folder ? [path.name] : []));
    }
  }

  async function refresh(): Promise<readonly TargetGroup[]> {
    const paths = await expand(config.files, list);
    for (const path of [...known.keys()]) if (!paths.includes(path)) known.delete(path);
    for (const path of paths) {
      try {
        known.set(path, await readGroups(path, files));
      } catch (error) {
        if (isMissing(error)) {
          known.delete(path);
          continue;
        }
        metrics.add('agent_lite_sd_refresh_failures_total', 1, { mechanism: 'file' });
        logger.log('error', 'Target file not taken, its earlier targets stay', { file: path, err: messageOf(error) });
      }
    }
    return paths.flatMap((path) => known.get(path) ?? []);
  }

  return {
    async start(update, signal) {
      const trigger = createTrigger();
      for (const folder of new Set(config.files.map((path) => splitPath(path).folder))) files.watch(folder, trigger.fire, signal);
      let told = '';
      const tell = async (first: boolean): Promise<void> => {
        const groups = await refresh();
        const text = JSON.stringify(groups);
        if (signal.aborted || (!first && text === told)) return;
        told = text;
        update(groups);
      };
      await tell(true);
      const goOn = async (): Promise<void> => {
        while (!signal.aborted) {
          await trigger.wait((stop) => clock.sleep(config.refreshIntervalMs, stop), signal);
          if (!signal.aborted) await clock.sleep(QUIET_MS, signal);
          trigger.reset();
          if (!signal.aborted) await tell(false);
        }
      };
      void goOn().catch((error: unknown) => {
        logger.log('error', 'File discovery stopped', { err: messageOf(error) });
      });
    },
  };
}

/** Wakes a waiter on {@link fire}, also one that comes after it. */
function createTrigger() {
  let fired = false;
  let wake: (() => void) | undefined;
  return {
    fire(): void {
      fired = true;
      wake?.();
    },
    reset(): void {
      fired = false;
    },
    /** Until fired, `timer` resolves or `signal` aborts. */
    async wait(timer: (stop: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
      if (fired || signal.aborted) return;
      const stop = new AbortController();
      wake = () => stop.abort();
      signal.addEventListener('abort', wake);
      await timer(stop.signal);
      signal.removeEventListener('abort', wake);
      wake = undefined;
    },
  };
}

/** Throws an error that names the line. YAML takes JSON, too, but a `.json` file must be that. */
async function readGroups(path: string, files: Files): Promise<readonly TargetGroup[]> {
  const bytes = await files.read(path);
  if (bytes.length > MAX_FILE_BYTES) throw new Error(`expected a file of at most ${MAX_FILE_BYTES} bytes, got ${bytes.length}`);
  const text = decodeUtf8(bytes);
  if (/\.json$/i.test(path)) checkJson(text);
  const result = parseTargetGroups(emptyList(text), path);
  if (!result.ok) throw new Error(formatConfigErrors(result.error));
  return result.value.map(({ targets, labels }) => ({ targets, labels: sortLabels([...labels, ['__meta_filepath', path]]) }));
}

/** An empty YAML file is an empty list. */
const emptyList = (text: string): string => (/^(?:\s|#[^\n]*(?:\n|$))*$/.test(text) ? '[]' : text);

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new Error(`expected JSON: ${messageOf(cause)}`, { cause });
  }
}

/** The files that the patterns name, sorted; without `*` also one that does not exist. */
async function expand(patterns: readonly string[], list: Files['list']): Promise<string[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    const { folder, name } = splitPath(pattern);
    if (!name.includes('*')) {
      paths.add(pattern);
      continue;
    }
    const [prefix = '', ...rest] = name.split('*');
    const suffix = rest.join('*');
    const matches = (entry: string): boolean =>
      entry.length >= prefix.length + suffix.length && entry.startsWith(prefix) && entry.endsWith(suffix);
    for (const entry of await list(folder)) if (matches(entry)) paths.add(folder === '/' ? `/${entry}` : `${folder}/${entry}`);
  }
  return [...paths].sort();
}

function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const slash = path.lastIndexOf('/');
  return { folder: slash <= 0 ? '/' : path.slice(0, slash), name: path.slice(slash + 1) };
}

const isMissing = (error: unknown): boolean => typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
