import { copyCard } from '../device.ts';
import { FaultRig } from '../rig.ts';
import { PRESENT, type StoredRequest, type VersionFixture, writeFixture } from './fixture.ts';

/**
 * `npm run fixtures`: what the agent of today leaves, into test/fixtures/versions/log-N-push-M. Run it where one of the two numbers
 * rises; the folders of older numbers stay for as long as such agents are supported.
 */
async function generate(): Promise<VersionFixture> {
  const rig = new FaultRig();
  const device = await rig.device({ name: 'gw-1', source: 'old', log: { segmentBytes: 2048 } });
  const requests: StoredRequest[] = [];
  device.network = async ({ method, url, headers, body }) => {
    if (method === 'GET') throw new Error(`${url}: expected no GET`);
    requests.push({ method, path: new URL(url).pathname, headers, body: body === undefined ? undefined : new Uint8Array(body) });
  };
  await rig.live(20);
  // From here on the log holds more than the edge has; another boot is in it too.
  device.offline = true;
  await rig.live(12);
  await device.stop();
  device.clock.reboot(0);
  await device.start();
  await rig.live(12);
  await device.stop();
  const answered = requests.length;
  const card = await copyCard(device.card);
  await device.start();
  device.offline = false;
  await rig.world.pass(300_000, 15_000);
  const { delivered, scraped } = await rig.settle();
  if (delivered !== scraped) throw new Error(`expected all ${scraped} samples to arrive, got ${delivered}`);
  const { handedOut } = rig.ledger;
  return { name: PRESENT, handedOut, answered, requests, card, endMs: handedOut.at(-1)?.trueMs ?? 0 };
}

await writeFixture(await generate());
console.log(`test/fixtures/versions/${PRESENT}`);
