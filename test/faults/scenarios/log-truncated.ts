import { type Damaged, examineAll, smallLog } from '../damaged-log.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'log-truncated',
  about: 'a segment cut off at every byte: what is left is read, what is not is told and counted',
  rounds: { short: 2, full: 2 },
  async run({ number, random, short }) {
    const log = await smallLog(random, number % 2 === 1);
    const everyLength = function* (): Generator<Damaged> {
      for (let length = 0; length < log.bytes.length; length++)
        yield { what: `cut off at byte ${length}`, bytes: log.bytes.subarray(0, length), cut: true };
    };
    return examineAll(log, everyLength(), short ? 120 : 1, random);
  },
};
