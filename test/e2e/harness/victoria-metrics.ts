import type { Cleanup } from './cleanup.ts';
import { freePort, Program } from './program.ts';
import { waitFor } from './wait.ts';

/** A real single-node VictoriaMetrics on a fresh folder; resolves with its address. */
export async function startVictoriaMetrics(cleanup: Cleanup, path: string): Promise<{ readonly url: string; readonly program: Program }> {
  const folder = await cleanup.folder('victoria-metrics');
  const address = `127.0.0.1:${await freePort()}`;
  const program = await Program.start('victoria-metrics', path, [
    `-storageDataPath=${folder}/data`,
    `-httpListenAddr=${address}`,
    '-retentionPeriod=1',
    '-loggerLevel=WARN',
  ]);
  cleanup.add(() => program.stop());
  const url = `http://${address}`;
  await waitFor(
    'victoria-metrics to be ready',
    async () => (await fetch(`${url}/health`)).ok,
    30_000,
    () => program.describe(),
  );
  return { url, program };
}
