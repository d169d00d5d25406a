import { readFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { parseAgentConfig } from '../../../agent-lite/config/parse.ts';
import { createHttpClient } from '../../../agent-lite/http/client.ts';
import { createRemoteWriter } from '../../../agent-lite/remote-write/writer.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { labelsFromRecord, labelsKey } from '../../../contract/labels.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLog } from '../../fakes/log.ts';
import { FakeLogger } from '../../fakes/logger.ts';
import { FakeReceiver } from '../../fakes/receiver.ts';
import { scrape, tableOf } from '../push/scrapes.ts';
import { NOW, valuesOf } from './rig.ts';

/** From the configuration's text to a strict receiver on loopback, over the real HTTP client. */
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

it.each(['prometheus', 'thanos'] as const)(
  '%s takes it, under the tenant of a configured header, also after a broken connection',
  async (kind) => {
    const clock = new ManualClock({ now: NOW });
    const receiver = new FakeReceiver({ kind, now: () => clock.now() });
    const server = await receiver.listen();
    closing.push(() => server.close());
    const parsed = parseAgentConfig(
      `remote_write: [{ url: "${server.url}", name: r, headers: { THANOS-TENANT: plant-7 }, basic_auth: { username: u, password: p } }]`,
      { file: 'agent.yml', baseDir: '/', env: {} },
    );
    const config = parsed.ok ? parsed.value.remoteWrite[0] : undefined;
    if (config === undefined) throw new Error('expected one receiver');
    const http = createHttpClient(config.http, { readFile, clock });
    const log = new FakeLog('0000000d');
    const writer = createRemoteWriter({
      ...{ config, reader: log, http, clock, logger: new FakeLogger(), metrics: createRegistry(), version: 'test', externalLabels: [] },
    });
    writer.start();
    const table = await tableOf('a');
    for (const value of [1, 2, 3]) {
      if (value === 2) receiver.behaveNext({ kind: 'close' });
      log.append(scrape(clock, { table, value }));
      await until(clock, () => log.cursor('remote_write/r').position === log.head().position);
    }
    const key = labelsKey(labelsFromRecord({ __name__: 'a', instance: 'a', job: 'test' }));
    expect(valuesOf(receiver.tenant('plant-7').series.get(key)?.samples ?? [])).toEqual([1, 2, 3]);
    expect(receiver.silentlyDropped).toBe(0);
    expect(receiver.tenants).toEqual(['plant-7']);
    const stopping = writer.stop(1000);
    await clock.advance(1);
    await stopping;
    http.close();
  },
);

/** Moves the clock in small steps, with time for real I/O in between. */
async function until(clock: ManualClock, done: () => boolean): Promise<void> {
  for (let step = 0; !done(); step++) {
    if (step === 2000) throw new Error('it did not happen');
    await clock.advance(50);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
