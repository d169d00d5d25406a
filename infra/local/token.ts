import { resolve } from 'node:path';
import { parseDuration } from '../../agent-lite/cli/units.ts';
import { isIdentityName, signToken } from '../../functions/auth/token.ts';
import { readFlags, runCommand, UsageError } from './arguments.ts';
import { loadDeviceTokenKey } from './dev-vars.ts';

const USAGE = `Usage: npm run -s token -- --tenant acme --device gw-1 [--expires 10y]

Prints a device token, and nothing else, signed with DEVICE_TOKEN_KEY: the environment variable if it is set (for a deployed
edge), else the key in .dev.vars (for the local one), which is made on first use.
  --tenant, --device  letters, digits, "_" and "-", at most 64
  --expires           from now; units y, w, d, h, m, s (default 10y)`;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    { tenant: { type: 'string' }, device: { type: 'string' }, expires: { type: 'string', default: '10y' } },
    process.argv.slice(2),
  );
  const tenant = readName('--tenant', flags.tenant);
  const device = readName('--device', flags.device);
  const expires = parseDuration(flags.expires);
  if (!expires.ok) throw new UsageError(`--expires: ${expires.error}`);
  if (expires.value === 0) throw new UsageError('--expires: expected more than 0');
  const now = Date.now();
  const key = await loadDeviceTokenKey(resolve(import.meta.dirname, '../../.dev.vars'));
  process.stdout.write(`${await signToken(key, { tenant, device, expiresMs: now + expires.value, issuedMs: now })}\n`);
});

function readName(flag: string, text: string | undefined): string {
  if (text === undefined) throw new UsageError(`${flag}: expected a name, got none`);
  if (!isIdentityName(text)) throw new UsageError(`${flag}: expected 1 to 64 letters, digits, "_" or "-", got ${JSON.stringify(text)}`);
  return text;
}
