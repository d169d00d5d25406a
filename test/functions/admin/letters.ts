import { ByteWriter } from '../../../contract/binary.ts';
import { prometheus } from '../../../contract/generated/remote.js';
import { snappyCompress } from '../../../contract/snappy.ts';
import { type DeadLetterHeader, encodeDeadLetter } from '../../../functions/dead-letter.ts';
import type { ObjectStore } from '../../../functions/model.ts';
import { deadKey } from '../../../functions/shard/keys.ts';
import { NOW } from '../../fakes/worker.ts';

export const HOUR = 3_600_000;

function sample(ms: number, bits: bigint): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(0x09);
  writer.u32(Number(bits & 0xffff_ffffn));
  writer.u32(Number(bits >> 32n));
  writer.u8(0x10);
  writer.varint(ms);
  return writer.bytes();
}

const bitsOf = (value: number): bigint => new DataView(new Float64Array([value]).buffer).getBigUint64(0, true);

/** Bits or values by time. */
export function blockOf(name: string, samples: readonly (readonly [ms: number, value: number | bigint])[]): Uint8Array<ArrayBuffer> {
  const labels = [
    { name: '__name__', value: name },
    { name: 'device', value: 'gw-1' },
  ];
  const encoded = samples.map(([ms, value]) => sample(ms, typeof value === 'bigint' ? value : bitsOf(value)));
  return Uint8Array.from(snappyCompress(prometheus.RawWriteRequest.encode({ timeseries: [{ labels, samples: encoded }] }).finish()));
}

export const headerOf = (given: Partial<DeadLetterHeader> = {}): DeadLetterHeader => ({
  reason: 'refused',
  status: 400,
  words: 'out of order sample',
  receiver: 'test',
  tenant: 'acme',
  devices: ['gw-1'],
  minMs: NOW - HOUR,
  maxMs: NOW - HOUR,
  samples: 1,
  writtenMs: NOW - HOUR + 1000,
  ...given,
});

/** Writes a letter as shards do; returns its id. */
export async function putLetter(
  store: ObjectStore,
  seq: number,
  given: Partial<DeadLetterHeader> = {},
  block?: Uint8Array,
): Promise<string> {
  const header = headerOf(given);
  const key = deadKey({ tenant: header.tenant, generation: 1, index: 0 }, header.writtenMs, seq, 0);
  await store.create(key, encodeDeadLetter(header, block ?? blockOf('node_load1', [[header.minMs, 0.5]])));
  return key.slice('v1/dead/'.length);
}
