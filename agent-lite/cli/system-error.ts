const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied: let the user the agent runs as read it',
  EPERM: 'operation not permitted',
  EISDIR: 'is a folder, expected a file',
  ENOTDIR: 'a part of its path is a file, expected a folder',
};

/** What the system's code means and what to do about it. */
export function systemErrorText(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return TEXTS[code] ?? (cause instanceof Error ? cause.message : String(cause));
}
