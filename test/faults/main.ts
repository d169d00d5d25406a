import { readFlags, runCommand, UsageError } from '../../infra/local/arguments.ts';
import { findProgram } from '../../infra/local/find-program.ts';
import { type Account, addAccounts, NOTHING } from './account.ts';
import { loadScenarios, type Result, runScenario } from './campaign.ts';

const USAGE = `npm run faults -- [--rounds N] [--seed S] [--only NAME[,NAME]] [--short] [--list]

Runs every scenario of test/faults/scenarios with a ledger of what was scraped, and says where it has gone. A scenario has as many
rounds as make sense for it, at most N. Exits with 1 where a sample was lost, changed, or came out of order; what is printed
then has the seed and round to see it again. --short: as in CI.`;

const COLUMNS: readonly (readonly [keyof Account, string])[] = [
  ['scraped', 'scraped'],
  ['delivered', 'delivered'],
  ['waiting', 'waiting'],
  ['deadLetters', 'dead'],
  ['dropped', 'dropped'],
  ['bounded', 'bounded'],
  ['lost', 'lost'],
  ['duplicated', 'duplicated'],
  ['refused', 'refused'],
];

function line({ name, rounds, account, ms }: Result): string {
  const columns = COLUMNS.map(([key]) => String(account[key]).padStart(11)).join('');
  return `${name.padEnd(24)} ${String(rounds).padStart(6)}${columns} ${(ms / 1000).toFixed(1).padStart(6)} s`;
}

await runCommand(USAGE, async () => {
  const flags = readFlags(
    {
      rounds: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      short: { type: 'boolean' },
      list: { type: 'boolean' },
    },
    process.argv.slice(2),
  );
  const whole = (flag: 'rounds' | 'seed', unset: number | undefined): number | undefined => {
    const text = flags[flag];
    if (text === undefined) return unset;
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${flag}: expected a whole number from 1 on, got "${text}"`);
    return Number(text);
  };
  const rounds = whole('rounds', undefined);
  const seed = whole('seed', 1) ?? 1;
  const all = await loadScenarios();
  const only = flags.only?.split(',');
  for (const name of only ?? [])
    if (!all.some((scenario) => scenario.name === name))
      throw new UsageError(`--only: no scenario ${JSON.stringify(name)}; there are ${all.map((scenario) => scenario.name).join(', ')}`);
  const scenarios = all.filter(({ name }) => only?.includes(name) ?? true);
  if (flags.list === true) {
    for (const { name, about, rounds } of scenarios) console.log(`${name.padEnd(24)} ${about} (${rounds.full})`);
    return;
  }
  console.log(`${'scenario'.padEnd(24)} rounds${COLUMNS.map(([, title]) => title.padStart(11)).join('')}   time`);
  let sum = NOTHING;
  let failed = 0;
  let skipped = 0;
  for (const scenario of scenarios) {
    const { needs } = scenario;
    if (needs !== undefined && findProgram(needs) === undefined && process.env['CI'] !== 'true') {
      console.log(`${scenario.name.padEnd(24)} *** SKIPPED: ${needs} is not installed; nothing is shown of this scenario ***`);
      skipped++;
      continue;
    }
    const result = await runScenario(scenario, { seed, rounds, short: flags.short === true });
    console.log(line(result));
    for (const failure of result.failures) console.log(`  FAILED ${failure}`);
    sum = addAccounts(sum, result.account);
    if (result.failures.length > 0 || result.account.lost > 0) failed++;
  }
  console.log(
    `${failed === 0 ? 'PASSED' : `FAILED in ${failed} of ${scenarios.length}`}: scraped ${sum.scraped}, lost ${sum.lost}${skipped === 0 ? '' : `, ${skipped} scenarios skipped`}; --seed ${seed}`,
  );
  // Programs and timers of a round that failed must not hold the process.
  process.exit(failed === 0 ? 0 : 1);
});
