import { describe, expect, it } from 'vitest';
import { Ledger, LedgerError } from '../../../functions/shard/ledger.ts';
import { FakeObjectStorage } from '../../fakes/sql.ts';
import { ledgerCases } from '../../suites/ledger.ts';

describe('ledger on Node', () => {
  it.each(ledgerCases)('%s', (_name, check) => check(new FakeObjectStorage().open()));

  it('throws in an instance that was replaced', async () => {
    const storage = new FakeObjectStorage();
    const old = new Ledger(storage.open());
    const young = new Ledger(storage.open());
    expect(() => old.setMeta('epoch', '1')).toThrow(LedgerError);
    await expect(old.sync()).rejects.toThrow(LedgerError);
    young.setMeta('epoch', '1');
    expect(young.meta('epoch')).toBe('1');
  });
});
