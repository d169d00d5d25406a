/** One problem of a configuration file. */
export interface ConfigError {
  /** As the user named it. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Where in the file's structure, e.g. `scrape_configs[0].scrape_interval`; empty for the whole file. */
  readonly path: string;
  /** What was expected and what was found. */
  readonly problem: string;
  /** All of it on one line: `file:line: path: problem`. */
  readonly message: string;
}

export function configError(file: string, line: number, path: string, problem: string): ConfigError {
  return { file, line, path, problem, message: `${file}:${line}: ${path === '' ? '' : `${path}: `}${problem}` };
}

/** One line a problem. */
export const formatConfigErrors = (errors: readonly ConfigError[]): string => errors.map(({ message }) => message).join('\n');
