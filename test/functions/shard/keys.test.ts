import { describe, expect, it } from 'vitest';
import {
  dataKey,
  dataPrefix,
  deadKey,
  deadKeyBound,
  formatShardName,
  parseDataKey,
  parseShardName,
} from '../../../functions/shard/keys.ts';

const name = { tenant: 'acme', generation: 2, index: 13 };

describe('shard names', () => {
  it('come back as they were', () => {
    expect(parseShardName(formatShardName(name))).toEqual(name);
  });
  it.each(['', 'acme', 'acme/1', 'acme/1/0/2', 'a/b/1/0', 'acme/01/0', 'acme/-1/0', 'acme/1/x', '../1/0', `${'a'.repeat(65)}/1/0`])(
    'refuses %j',
    (text) => {
      expect(parseShardName(text)).toBeUndefined();
    },
  );
});

describe('keys', () => {
  it('of data sort by epoch and sequence', () => {
    const keys = [
      [1, 9],
      [1, 10],
      [2, 1],
      [10, 1],
    ].map(([epoch, seq]) => dataKey(name, epoch as number, seq as number));
    expect([...keys].sort()).toEqual(keys);
    expect(parseDataKey(keys[1] as string, dataPrefix(name))).toEqual({ epoch: 1, seq: 10 });
  });

  it('of other shards are none of ours', () => {
    const other = dataKey({ ...name, index: 1 }, 1, 1);
    expect(other.startsWith(dataPrefix(name))).toBe(false);
    expect(parseDataKey(other, dataPrefix(name))).toBeUndefined();
    expect(parseDataKey(`${dataPrefix(name)}readme`, dataPrefix(name))).toBeUndefined();
  });

  it('of dead letters sort by time', () => {
    const early = deadKey(name, 999_999_999_999, 7, 0);
    const late = deadKey(name, 1_000_000_000_000, 7, 0);
    expect(early < late).toBe(true);
    expect(early < deadKeyBound('acme', 1_000_000_000_000)).toBe(true);
    expect(late < deadKeyBound('acme', 1_000_000_000_000)).toBe(false);
  });
});
