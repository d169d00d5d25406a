import { FileStore } from '../../agent-lite/wal/file-store.ts';
import { logWorld, numbered, tableOf, targetOf } from './wal.ts';

/** A process that opens a log, appends scrapes without ever syncing, and stays. Arguments: directory, number of scrapes. */
const [directory = '', count = '0'] = process.argv.slice(2);
const world = logWorld();
const table = await tableOf('a', 'b', 'c', 'd');
const log = await world.open(new FileStore(directory), { sync: 'never' });
for (let n = 1; n <= Number(count); n++) {
  await world.clock.advance(1000);
  await log.append(numbered(n, world.clock, targetOf('x:1'), table));
}
process.stdout.write(`${log.head().position}\n`);
setInterval(() => undefined, 60_000);
