import { type Damaged, examineAll, smallLog } from '../damaged-log.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'log-flipped',
  about: 'every single byte of a segment changed: no wrong value, and of no target more is missing than up to its next key frame',
  rounds: { short: 2, full: 2 },
  async run({ number, random, short }) {
    const log = await smallLog(random, number % 2 === 1);
    const everyByte = function* (): Generator<Damaged> {
      for (let offset = 0; offset < log.bytes.length; offset++) {
        const bytes = log.bytes.slice();
        bytes[offset] = (bytes[offset] ?? 0) ^ (random.chance(0.5) ? 1 << random.int(0, 7) : random.int(1, 255));
        yield { what: `byte ${offset} changed`, bytes };
      }
    };
    return examineAll(log, everyByte(), short ? 120 : 1, random);
  },
};
