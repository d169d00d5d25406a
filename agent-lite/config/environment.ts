import { err, ok, type Result } from '../../contract/result.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` and `$NAME` by environment variables and `$$` by a dollar sign, as Prometheus does in external labels.
 * Unlike there, a variable that is not set is an error: an empty label would merge this device's series with another's.
 */
export function expandEnvironment(text: string, env: Environment): Result<string, string> {
  const unset: string[] = [];
  const expanded = text.replaceAll(/\$(?:(\$)|\{([^{}]*)\}|(\w+))/g, (whole, dollar?: string, braced?: string, bare?: string) => {
    if (dollar !== undefined) return '$';
    const name = braced ?? bare ?? '';
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined) unset.push(whole);
    return value ?? '';
  });
  if (unset.length === 0) return ok(expanded);
  return err(`environment variable ${unset.join(', ')} is not set (a dollar sign itself is written $$)`);
}
