import { NOW } from '../../fakes/worker.ts';
import { addAccounts, NOTHING } from '../account.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { PRESENT, readFixtures, type VersionFixture } from '../versions/fixture.ts';

export const scenario: Scenario = {
  name: 'old-versions',
  about: 'the requests and the log that every supported older agent has left, against the edge and the agent of today: all arrives, once',
  rounds: { short: 2, full: 2 },
  async run({ number }) {
    const fixtures = await readFixtures();
    if (!fixtures.some(({ name }) => name === PRESENT))
      throw new Error(
        `test/fixtures/versions: expected ${PRESENT}, got ${fixtures.map(({ name }) => name).join(', ')}. Run: npm run fixtures`,
      );
    let sum = NOTHING;
    for (const fixture of fixtures) sum = addAccounts(sum, await replay(fixture, number === 0));
    return sum;
  },
};

/** Either every request of the old agent, or those that were answered, and then an agent of today opens its log. */
async function replay({ name, handedOut, requests, answered, card, endMs }: VersionFixture, onlyRequests: boolean) {
  const rig = new FaultRig();
  const { world, ledger } = rig;
  // Of a boot that the log does not know.
  await rig.device({ name: 'other' });
  await world.pass(endMs - NOW + 60_000, 60_000);
  for (const { source, trueMs } of handedOut) ledger.handOut(source, trueMs);
  for (const { method, path, headers, body } of onlyRequests ? requests : requests.slice(0, answered)) {
    const sent = world.request('gw-1', path, { method, headers: { ...headers }, ...(body === undefined ? {} : { body }) });
    let status: number | undefined;
    void sent.then((response) => {
      status = response.status;
    });
    for (let passed = 0; status === undefined && passed < 60_000; passed += 500) await world.pass(500);
    // It asks for the table at first, as it did then.
    if (status === undefined || (status >= 400 && status !== 424 && method !== 'HEAD'))
      throw new Error(`${name}: ${method} ${path}: the edge of today answered ${status}`);
  }
  if (!onlyRequests) {
    const device = await rig.device({ name: 'gw-1', source: 'old', card });
    await rig.live(8);
    if (device.status().setAsideFiles > 0)
      throw new Error(`${name}: the agent of today could not read the log: ${device.logger.text('error')}`);
  }
  return rig.settle();
}
