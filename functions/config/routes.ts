import type { Outgoing, ReceiverConfig, RelayConfig } from './types.ts';

type Routing = Pick<RelayConfig, 'receivers' | 'routes'>;

/** The receivers of a tenant, in the order of its route; undefined where no route takes it. */
export function receiversOf({ receivers, routes }: Routing, tenant: string): readonly ReceiverConfig[] | undefined {
  const route = routes.find(({ tenants }) => tenants === '*' || tenants.includes(tenant));
  return route?.receivers.map((name) => {
    const found = receivers.find((receiver) => receiver.name === name);
    if (found === undefined) throw new Error(`routes: expected a receiver that is configured, got ${name}`);
    return found;
  });
}

/** What receivers have in common where one stored copy is made for all of them. */
export function outgoingOf(receivers: readonly ReceiverConfig[]): Outgoing {
  return {
    receiver: leadingReceiver(receivers)?.name ?? '',
    sendExemplars: receivers.some(({ sendExemplars }) => sendExemplars),
    sendMetadata: receivers.some(({ sendMetadata }) => sendMetadata),
    maxSamplesPerSend: Math.min(...receivers.map(({ queue }) => queue.maxSamplesPerSend)),
    outOfOrderTimeWindowMs: Math.min(...receivers.map(({ outOfOrderTimeWindowMs }) => outOfOrderTimeWindowMs)),
  };
}

/** The one whose clock counts: the first that devices wait for, for the others may lose samples anyway. */
export const leadingReceiver = <R extends Pick<ReceiverConfig, 'onFull'>>(receivers: readonly R[]): R | undefined =>
  receivers.find(({ onFull }) => onFull === 'block') ?? receivers[0];
