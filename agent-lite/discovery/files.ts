/** What file discovery needs of a file system; paths are absolute. */
export interface Files {
  /** Names in a folder. Rejects where there is none. */
  list(folder: string): Promise<readonly string[]>;
  /** Rejects with an error that has `code: 'ENOENT'` where the file does not exist. */
  read(path: string): Promise<Uint8Array>;
  /**
   * Calls `changed` after any change in the folder until `signal` aborts. May miss changes, and gives up silently where the
   * system cannot watch: files are read again at the refresh interval anyway.
   */
  watch(folder: string, changed: () => void, signal: AbortSignal): void;
}
