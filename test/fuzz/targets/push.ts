import { readFileSync } from 'node:fs';
import { FormatError } from '../../../contract/binary.ts';
import type { Cells } from '../../../contract/cells.ts';
import { decodePush } from '../../../contract/decode-push.ts';
import { bitsOfDouble } from '../../../contract/double.ts';
import { decodeAnswer, encodeAnswer, encodePush, type Push } from '../../../contract/push.ts';
import { readPushName } from '../../../contract/push-scan.ts';
import { fromHex } from '../../../contract/series-table.ts';
import { describeCells } from '../../contract/arbitraries.ts';
import { buildTarget, labels, makePush } from '../../fakes/pushes.ts';
import { mutateProtobuf } from '../mutate-protobuf.ts';
import { type FuzzTarget, must, mustEqual, orRefusal } from '../target.ts';

const fixture = <T>(name: string): T => JSON.parse(readFileSync(new URL(`../../fixtures/wire/${name}`, import.meta.url), 'utf8')) as T;
const isFormatError = (error: unknown): boolean => error instanceof FormatError;
/** Rows of the fixture's table; those of the others. */
const FIXTURE_TABLE = '6a9907c1e855a896fe68ab4efd051587';
const rowsOf = (table: string | undefined): number => (table === undefined ? 0 : table === FIXTURE_TABLE ? 4 : 3);

/** Two targets, one with everything there is, one that never answered. */
export async function richPush(): Promise<Push> {
  const own = { job: 'node', instance: 'h:9100' };
  const { batch } = await buildTarget({
    labels: labels(own),
    times: [1_700_000_000_000, 1_700_000_015_000, 1_700_000_030_001],
    series: [
      {
        labels: labels({ ...own, __name__: 'a_total' }),
        values: [1, 2, 1e9],
        exemplars: [{ scrape: 1, labels: labels({ trace: 'x' }), value: 1, ms: undefined }],
      },
      { labels: labels({ ...own, __name__: 'b', x: 'ü' }), values: [0.1, 'stale', 'absent'] },
      { labels: labels({ ...own, __name__: 'c' }), values: [Number.NaN, -0, Number.POSITIVE_INFINITY], ownTimes: [5, 6, 7] },
    ],
    metadata: [{ family: 'a', type: 'counter', help: 'Help.', unit: 's' }],
  });
  const down = { ...batch, labels: labels({ ...own, instance: 'i:1' }), table: undefined, cells: undefined, exemplars: [], metadata: [] };
  return makePush([batch, down], { to: { position: 9, chain: '0123456789abcdef' }, gaps: [{ from: 2, to: 3, reason: 'evicted' }] });
}

/** The device's batches, as the edge decodes them. */
export const batch: FuzzTarget = {
  name: 'batch',
  promise: 'a push is refused by a FormatError, or means a push that is written and read to the same again; and its name agrees',
  async seeds() {
    return [fromHex(fixture<{ bytes: string }>('push.json').bytes), encodePush(await richPush()), encodePush(makePush([]))];
  },
  mutate: mutateProtobuf,
  async check(input) {
    // Read of pushes that are refused, too: it must never throw anything else.
    const name = orRefusal(() => readPushName(input), isFormatError);
    const read = orRefusal(() => decodeAll(input), isFormatError);
    if (read === undefined) return 'refused';
    if (name !== undefined) mustEqual([name.logId, name.position], [read.logId, read.to.position], 'its name');
    // Integers beyond what the encoder takes are refused by it, not rounded.
    const written = orRefusal(
      () => encodePush(read),
      (error) => error instanceof RangeError,
    );
    must(written !== undefined, 'what was read cannot be written');
    mustEqual(described(decodeAll(written ?? input)), described(read), 'written and read again');
    return 'accepted';
  },
};

function decodeAll(bytes: Uint8Array): Push {
  const { targets, ...rest } = decodePush(bytes);
  return {
    ...rest,
    targets: targets.map((target) => {
      const rows = rowsOf(target.table);
      return {
        labels: target.labels,
        table: target.table,
        times: target.times,
        report: target.report,
        cells: target.table === undefined ? undefined : target.decodeCells(rows),
        exemplars: target.decodeExemplars(rows),
        metadata: target.decodeMetadata(),
      };
    }),
  };
}

function described(push: Push): unknown {
  const cells = (given: Cells | undefined): unknown => given && describeCells(given);
  return {
    ...push,
    targets: push.targets.map((target) => ({
      ...target,
      cells: cells(target.cells),
      report: cells(target.report),
      exemplars: target.exemplars.map((exemplar) => ({ ...exemplar, value: bitsOfDouble(exemplar.value).join() })),
    })),
  };
}

/** The edge's answers, as the device reads them: they may come from anything that sits on the way. */
export const answer: FuzzTarget = {
  name: 'answer',
  promise: 'an answer is refused by a FormatError, or is written and read to the same again',
  seeds: async () => fixture<readonly { bytes: string }[]>('answers.json').map(({ bytes }) => fromHex(bytes)),
  mutate: mutateProtobuf,
  async check(input) {
    const read = orRefusal(() => decodeAnswer(input), isFormatError);
    if (read === undefined) return 'refused';
    mustEqual(decodeAnswer(encodeAnswer(read)), read, 'written and read again');
    return 'accepted';
  },
};
