import { err, ok, type Result } from '../../contract/result.ts';
import type { ListenAddress } from '../agent.ts';

/** Sizes and durations of flags, in the forms Prometheus takes on its command line. Errors say what was expected. */

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const DURATION_UNITS_MS = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1];

/** `1h30m`, `30s`, `0`: in ms. */
export function parseDuration(text: string): Result<number, string> {
  if (text === '0') return ok(0);
  const parts = DURATION.exec(text);
  if (text === '' || parts === null) return err(`expected a duration such as 30s, 5m or 1h30m, got ${JSON.stringify(text)}`);
  return ok(DURATION_UNITS_MS.reduce((ms, unit, i) => ms + Number(parts[i + 1] ?? 0) * unit, 0));
}

const SIZE = /^(\d+)(?:([KMGT])i?B|B)$/;
const SIZE_UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/** `512MiB`, `1GB`, `100B`: in bytes. `MB` and `MiB` are both 2^20, as in Prometheus. */
export function parseSize(text: string): Result<number, string> {
  const parts = SIZE.exec(text);
  if (parts === null) return err(`expected a size with a unit such as 512MiB or 1GiB, got ${JSON.stringify(text)}`);
  const unit = parts[2] === undefined ? 1 : SIZE_UNITS[parts[2] as keyof typeof SIZE_UNITS];
  return ok(Number(parts[1]) * unit);
}

/** `127.0.0.1:9095`, `[::1]:9095`, `:9095`. */
export function parseListenAddress(text: string): Result<ListenAddress, string> {
  const parts = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) return err(`expected host:port such as 127.0.0.1:9095, got ${JSON.stringify(text)}`);
  return ok({ host: parts[1] ?? parts[2] ?? '', port });
}
