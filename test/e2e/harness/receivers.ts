import type { Cleanup } from './cleanup.ts';
import { needProgram } from './installed.ts';
import { startPrometheus } from './prometheus.ts';
import { QueriedReceiver, type ReceiverAddress } from './queried.ts';
import { TENANT } from './stack.ts';
import { startVictoriaMetrics } from './victoria-metrics.ts';

/** The environment of `npm run e2e -- --receiver URL ...`, by which its tests find the receiver. */
export const GIVEN_RECEIVER = 'E2E_RECEIVER';

export interface ReceiverUnderTest {
  readonly name: string;
  start(cleanup: Cleanup, context: Parameters<typeof needProgram>[0]): Promise<QueriedReceiver>;
}

/** VictoriaMetrics keeps decimals of some 12 digits where a value is no whole number. */
const DECIMAL_ERROR = 1e-11;
/** What kind asks for which header. */
const TENANT_HEADERS: Readonly<Record<string, string>> = { thanos: 'THANOS-TENANT', mimir: 'X-Scope-OrgID' };

export const KINDS = ['thanos', 'prometheus', 'mimir', 'victoriametrics'] as const;

/** From what the command line says. Without a kind the path tells: Thanos, Mimir and others have paths of their own. */
export function receiverAddress(given: {
  readonly writeUrl: string;
  readonly queryUrl: string;
  readonly tenant?: string | undefined;
  readonly kind?: string | undefined;
}): ReceiverAddress {
  const { pathname } = new URL(given.writeUrl);
  const byPath = pathname.endsWith('/api/v1/receive') ? 'thanos' : pathname.endsWith('/api/v1/push') ? 'mimir' : 'prometheus';
  const kind = given.kind ?? byPath;
  return {
    name: `${kind} at ${given.writeUrl}`,
    kind,
    writeUrl: given.writeUrl,
    queryUrl: given.queryUrl.replace(/\/+$/, ''),
    tenant: given.tenant ?? TENANT,
    tenantHeader: given.tenant === undefined ? '' : (TENANT_HEADERS[kind] ?? ''),
    relativeError: kind === 'victoriametrics' ? DECIMAL_ERROR : 0,
  };
}

/** The one that was given; else those that are installed here. */
export function receiversUnderTest(): readonly ReceiverUnderTest[] {
  const given = process.env[GIVEN_RECEIVER];
  if (given !== undefined && given !== '') {
    const address = JSON.parse(given) as ReceiverAddress;
    return [{ name: address.name, start: async () => new QueriedReceiver(address) }];
  }
  return [
    {
      name: 'prometheus',
      async start(cleanup, context) {
        const { writeUrl, url } = await startPrometheus(cleanup, needProgram(context, 'prometheus'));
        return new QueriedReceiver(receiverAddress({ writeUrl, queryUrl: url }));
      },
    },
    {
      name: 'victoria-metrics',
      async start(cleanup, context) {
        const { url } = await startVictoriaMetrics(cleanup, needProgram(context, 'victoria-metrics'));
        return new QueriedReceiver(receiverAddress({ writeUrl: `${url}/api/v1/write`, queryUrl: url, kind: 'victoriametrics' }));
      },
    },
  ];
}
