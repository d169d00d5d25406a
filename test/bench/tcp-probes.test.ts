import { expect, it } from 'vitest';
import { probeIn } from './tcp-probes.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 100 0 0 10 0
   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 02:000009C4 00000000     0        0 2 2 0000000000000000 20 4 30 10 -1
   2: 0100007F:C351 0100007F:1F90 01 00000010:00000000 01:00000014 00000000     0        0 3 4 0000000000000000 20 4 30 10 -1
   3: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0000000000000000 20 4 28 10 -1
`;

it.each([
  ['a connection that waits with probes', 50_000, 8080, 25_000],
  ['its other end, which sends none', 8080, 50_000, undefined],
  ['one that has data to send', 50_001, 8080, undefined],
  ['one that is not there', 50_002, 8080, undefined],
])('the next probe of %s', (_, local, remote, expected) => {
  expect(probeIn(TABLE, local, remote)).toBe(expected);
});
