import { afterEach, expect, it } from 'vitest';
import { createCells, setStale, setValue } from '../../contract/cells.ts';
import { labelsFromRecord } from '../../contract/labels.ts';
import { encodeLabelFields, REMOTE_WRITE_HEADERS, RemoteWriteBuffer } from '../../contract/remote-write.ts';
import { snappyCompress, snappyConcat } from '../../contract/snappy.ts';
import { Cleanup } from './harness/cleanup.ts';
import { needProgram } from './harness/installed.ts';
import { startPrometheus } from './harness/prometheus.ts';

/** What the other tests rely on: a real Prometheus takes our bytes, joined blocks too, and gives every bit back. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

function block(name: string, fill: (cells: ReturnType<typeof createCells>) => void, times: readonly number[]): Uint8Array {
  const cells = createCells(1, times.length);
  fill(cells);
  const buffer = new RemoteWriteBuffer();
  buffer.add(encodeLabelFields(labelsFromRecord({ __name__: name })), cells, 0, times);
  return snappyCompress(buffer.take());
}

it('Prometheus stores our bytes and gives back all 64 bits, markers included', async (context) => {
  const prometheus = await startPrometheus(cleanup, needProgram(context, 'prometheus'));
  const now = Date.now();
  const times = [now - 3000, now - 2000, now - 1000, now];
  const body = snappyConcat([
    block('a', (cells) => [1, -0, Number.NaN].forEach((value, i) => void setValue(cells, i, value)), times.slice(0, 3)),
    block(
      'b',
      (cells) => {
        setValue(cells, 0, 5e-324);
        setStale(cells, 1);
        setValue(cells, 2, Number.POSITIVE_INFINITY);
        setStale(cells, 3);
      },
      times,
    ),
  ]);
  const answer = await fetch(prometheus.writeUrl, { method: 'POST', headers: REMOTE_WRITE_HEADERS, body });
  expect(answer.status).toBe(204);

  const [a, b] = await prometheus.read({ __name__: 'a|b' }, now - 10_000, now + 10_000);
  // Remote read leaves out what Go calls zero, and so makes 0 of -0; the query API shows the sign.
  expect(a?.samples.map((sample) => sample.bits)).toEqual([0x3ff0000000000000n, 0n, 0x7ff8000000000001n]);
  expect(await prometheus.rawValues('a[1m]')).toEqual([['1', '-0', 'NaN']]);
  expect(b?.samples.map((sample) => sample.bits)).toEqual([1n, 0x7ff0000000000002n, 0x7ff0000000000000n, 0x7ff0000000000002n]);
  expect(b?.samples.map((sample) => sample.time)).toEqual(times);
});
