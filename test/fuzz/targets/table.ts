import { readFileSync } from 'node:fs';
import { FormatError } from '../../../contract/binary.ts';
import { buildTable, decodeTable, fromHex } from '../../../contract/series-table.ts';
import { labels, sha256 } from '../../fakes/pushes.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { type FuzzTarget, must, orRefusal } from '../target.ts';

const fixture = JSON.parse(readFileSync(new URL('../../fixtures/wire/series-table.json', import.meta.url), 'utf8')) as { bytes: string };

/** Series tables. A hash names a list of rows only if there is one way to write it. */
export const table: FuzzTarget = {
  name: 'table',
  promise: 'a table is refused by a FormatError, or is the bytes that its rows are written as',
  async seeds() {
    const rows = Array.from({ length: 40 }, (_, i) =>
      labels({ __name__: `node_cpu_seconds_total`, cpu: String(i >> 3), mode: ['idle', 'user', 'ü', ''][i & 3] ?? '', i: String(i) }),
    );
    return [fromHex(fixture.bytes), (await buildTable(rows, sha256)).table.bytes, (await buildTable([], sha256)).table.bytes];
  },
  mutate: mutateBytes,
  async check(input) {
    const rows = orRefusal(
      () => decodeTable(Uint8Array.from(input)),
      (error) => error instanceof FormatError,
    );
    if (rows === undefined) return 'refused';
    const { table: written } = await buildTable(rows, sha256);
    must(Buffer.compare(written.bytes, input) === 0, 'its rows are written as other bytes');
    return 'accepted';
  },
};
