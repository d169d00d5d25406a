import { resolve } from 'node:path';
import { parseDuration } from '../../agent-lite/cli/units.ts';
import { isOrigin } from '../../contract/origin.ts';
import { isIdentityName, signToken } from '../../functions/auth/token.ts';
import { readFlags, runCommand, UsageError } from './arguments.ts';
import { loadDeviceTokenKey } from './dev-vars.ts';

const USAGE = `Usage: npm run -s token -- --tenant acme --device gw-1 [--expires 10y] [--origin https://kiosk.example.com]

Prints a device token, and nothing else, signed with DEVICE_TOKEN_KEY: the environment variable if it is set (for a deployed
edge), else the key in .dev.vars (for the local one), which is made on first use.
  --tenant, --device  letters, digits, "_" and "-", at most 64
  --expires           from now; units y, w, d, h, m, s (default 10y; 1d with --origin)
  --origin            for pages of this origin alone, which may renew it where the tenant has browser_tokens; may be repeated`;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    { tenant: { type: 'string' }, device: { type: 'string' }, expires: { type: 'string' }, origin: { type: 'string', multiple: true } },
    process.argv.slice(2),
  );
  const tenant = readName('--tenant', flags.tenant);
  const device = readName('--device', flags.device);
  const origins = flags.origin?.map(readOrigin);
  const expires = parseDuration(flags.expires ?? (origins === undefined ? '10y' : '1d'));
  if (!expires.ok) throw new UsageError(`--expires: ${expires.error}`);
  if (expires.value === 0) throw new UsageError('--expires: expected more than 0');
  const now = Date.now();
  const key = await loadDeviceTokenKey(resolve(import.meta.dirname, '../../.dev.vars'));
  const claims = { tenant, device, expiresMs: now + expires.value, issuedMs: now };
  process.stdout.write(`${await signToken(key, origins === undefined ? claims : { ...claims, origins })}\n`);
});

function readOrigin(text: string): string {
  if (!isOrigin(text))
    throw new UsageError(`--origin: expected one as browsers send it, such as https://kiosk.example.com, got ${JSON.stringify(text)}`);
  return text;
}

function readName(flag: string, text: string | undefined): string {
  if (text === undefined) throw new UsageError(`${flag}: expected a name, got none`);
  if (!isIdentityName(text)) throw new UsageError(`${flag}: expected 1 to 64 letters, digits, "_" or "-", got ${JSON.stringify(text)}`);
  return text;
}
