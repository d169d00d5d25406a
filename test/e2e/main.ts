import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readFlags, readHttpUrl, runCommand, UsageError } from '../../infra/local/arguments.ts';
import { NODE, ROOT } from './harness/program.ts';
import { GIVEN_RECEIVER, KINDS, receiverAddress } from './harness/receivers.ts';

const USAGE = `npm run e2e [-- --receiver URL --query URL [--tenant T] [--kind KIND]]

Real senders (agent-lite, Prometheus, its agent mode, vmagent; those that are installed), the edge in workerd on this machine, and the
receiver at the address: what its queries show must be what the senders read.
  --receiver  where it takes remote write, e.g. http://127.0.0.1:19291/api/v1/receive
  --query     where it answers queries, without /api/v1/query, e.g. http://127.0.0.1:10902
  --tenant    sent to it as THANOS-TENANT (mimir: X-Scope-OrgID)
  --kind      ${KINDS.join(', ')}; without it the path of --receiver tells thanos and mimir, all else is prometheus
Without --receiver: Debian's Prometheus and victoria-metrics, started for it. What is written has a label run="e2e-..." of its own.`;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    { receiver: { type: 'string' }, query: { type: 'string' }, tenant: { type: 'string' }, kind: { type: 'string' } },
    process.argv.slice(2),
  );
  const { receiver, query, tenant, kind } = flags;
  const environment = { ...process.env };
  if (receiver !== undefined || query !== undefined) {
    if (receiver === undefined || query === undefined) throw new UsageError('expected both --receiver and --query, or neither');
    if (tenant !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(tenant))
      throw new UsageError(`--tenant: expected 1 to 64 of A-Z, a-z, 0-9, _ and -, got "${tenant}"`);
    if (kind !== undefined && !KINDS.some((known) => known === kind))
      throw new UsageError(`--kind: expected one of ${KINDS.join(', ')}, got "${kind}"`);
    const address = { writeUrl: readHttpUrl('--receiver', receiver), queryUrl: readHttpUrl('--query', query), tenant, kind };
    environment[GIVEN_RECEIVER] = JSON.stringify(receiverAddress(address));
  } else if (tenant !== undefined || kind !== undefined) {
    throw new UsageError('--tenant and --kind belong to a --receiver');
  }
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const child = spawn(NODE, [vitest, 'run', '--project', 'e2e', 'test/e2e/receivers.test.ts'], {
    cwd: ROOT,
    env: environment,
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
});
