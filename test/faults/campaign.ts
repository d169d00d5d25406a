import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Account, addAccounts, LossError, NOTHING } from './account.ts';
import { Random } from './random.ts';
import type { Rounds, Scenario, Shared } from './scenario.ts';

const FOLDER = join(import.meta.dirname, 'scenarios');

/** All scenarios of the folder, by name. */
export async function loadScenarios(): Promise<readonly Scenario[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.ts')).sort();
  const scenarios: Scenario[] = [];
  for (const file of files) {
    const { scenario } = (await import(pathToFileURL(join(FOLDER, file)).href)) as { scenario?: Scenario };
    if (scenario === undefined) throw new Error(`test/faults/scenarios/${file}: expected an export "scenario"`);
    if (`${scenario.name}.ts` !== file) throw new Error(`test/faults/scenarios/${file}: expected its name, got ${scenario.name}`);
    scenarios.push(scenario);
  }
  return scenarios;
}

export interface CampaignOptions {
  readonly seed: number;
  /** Of each scenario at most; undefined: as many as the whole campaign has. */
  readonly rounds?: number | undefined;
  readonly short?: boolean;
}

export interface Result {
  readonly name: string;
  readonly rounds: number;
  readonly account: Account;
  /** Of the rounds that failed: how to see it again, and what it was. */
  readonly failures: readonly string[];
  readonly ms: number;
}

/** Rounds that may fail before a scenario is given up. */
const MAX_FAILURES = 3;
/** Of real time: a round that takes longer hangs. */
const ROUND_MS = 15 * 60_000;

/** Runs the rounds of one scenario. Does not reject for what a round throws. */
export async function runScenario(scenario: Scenario, { seed, rounds, short = false }: CampaignOptions): Promise<Result> {
  const wanted = short ? scenario.rounds.short : Math.min(rounds ?? Number.POSITIVE_INFINITY, scenario.rounds.full);
  const startedMs = performance.now();
  const failures: string[] = [];
  let account = NOTHING;
  let begun = 0;
  const fail = (error: unknown, where: string): void => {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const known = error instanceof LossError ? error.account : NOTHING;
    // Wrong, or out of order, is as bad as gone.
    account = addAccounts(account, { ...known, lost: Math.max(1, known.lost) });
    failures.push(`${where}, --seed ${seed}: ${error instanceof LossError ? message : (stack ?? message)}`);
  };
  const attempt = async (where: string, action: () => Promise<Account>): Promise<void> => {
    try {
      account = addAccounts(account, await inTime(action()));
    } catch (error) {
      fail(error, where);
    }
  };
  await withShared(short, async (shared) => {
    const { run, parallel = 1, finish }: Rounds = 'run' in scenario ? scenario : await scenario.begin(shared);
    const lane = async (): Promise<void> => {
      while (begun < wanted && failures.length < MAX_FAILURES) {
        const number = begun++;
        const random = new Random(`${seed}/${scenario.name}/${number}`);
        await attempt(`round ${number}`, () => withShared(short, (own) => run({ ...own, number, random })));
      }
    };
    await Promise.all(Array.from({ length: parallel }, lane));
    if (finish !== undefined) await attempt('at the end', finish);
  }).catch((error: unknown) => fail(error, 'begin'));
  return { name: scenario.name, rounds: begun, account, failures, ms: performance.now() - startedMs };
}

async function inTime<T>(round: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`expected the round to end within ${ROUND_MS / 60_000} minutes`)), ROUND_MS);
  });
  return Promise.race([round, late]).finally(() => clearTimeout(timer));
}

/** Gives folders, and runs at the end what was asked for. */
async function withShared<T>(short: boolean, action: (shared: Shared) => Promise<T>): Promise<T> {
  const after: (() => Promise<unknown>)[] = [];
  try {
    return await action({
      short,
      async folder() {
        const path = await mkdtemp(join(tmpdir(), 'agent-lite-faults-'));
        after.push(() => rm(path, { recursive: true, force: true }));
        return path;
      },
      after: (end) => void after.push(end),
    });
  } finally {
    for (const end of after.reverse()) await end();
  }
}
