/** One problem of a configuration file. */
export interface ConfigError {
  /** As the user named it. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Where in the file's structure, e.g. `scrape_configs[0].scrape_interval`; empty for the whole file. */
  readonly path: string;
  /** What was expected and what was found. */
  readonly message: string;
}

export function formatConfigError({ file, line, path, message }: ConfigError): string {
  return path === '' ? `${file}:${line}: ${message}` : `${file}:${line}: ${path}: ${message}`;
}

/** One line a problem. */
export const formatConfigErrors = (errors: readonly ConfigError[]): string => errors.map(formatConfigError).join('\n');
