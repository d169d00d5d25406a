import { readFile } from 'node:fs/promises';

/** `tr` of /proc/net/tcp where a keepalive probe is what the kernel sends next. */
const KEEPALIVE_TIMER = '02';
/** Linux tells timers in ticks of 10 ms (USER_HZ, fixed for user space). */
const TICK_MS = 10;

/**
 * When TCP on this machine sends its next keepalive probe on the connection from `localPort` to `remotePort`, ms from now; undefined where
 * it sends none, or has something else to send. IPv4, Linux.
 */
export async function nextProbeMs(localPort: number, remotePort: number): Promise<number | undefined> {
  return probeIn(await readFile('/proc/net/tcp', 'utf8'), localPort, remotePort);
}

/** @param table as in /proc/net/tcp: `sl local remote state tx:rx timer:ticks ...`, numbers in hexadecimal */
export function probeIn(table: string, localPort: number, remotePort: number): number | undefined {
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', , , timer = ''] = line.trim().split(/\s+/);
    if (portOf(local) !== localPort || portOf(remote) !== remotePort) continue;
    const [kind, ticks = ''] = timer.split(':');
    if (kind === KEEPALIVE_TIMER) return Number.parseInt(ticks, 16) * TICK_MS;
  }
  return undefined;
}

const portOf = (address: string): number => Number.parseInt(address.split(':')[1] ?? '', 16);
