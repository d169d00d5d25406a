import { expect, it } from 'vitest';
import { push, sampleOf } from '../../fakes/commit-requests.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

const SKEW_MS = 3_600_000;

function skewed() {
  let truth = (): number => 0;
  const rig = new ShardRig({ receiver: { now: () => truth(), tellsDate: true } });
  truth = () => rig.clock.now() + SKEW_MS;
  return rig;
}

it('learns the receiver’s time by what it forwards, tells it with each commit, and shows it', async () => {
  const rig = skewed();
  const commit = async (from: number) => {
    const result = rig.core.commit(push({ from, to: from + 1, fragments: [sampleOf('gw-1', rig.clock.now(), from)] }));
    await rig.pass(500);
    return result;
  };
  expect((await commit(0)).receiverMs).toBeUndefined();
  // A Date has whole seconds.
  expect(Math.abs(rig.value('relay_clock_offset_seconds') - SKEW_MS / 1000)).toBeLessThanOrEqual(0.5);
  const before = rig.clock.now();
  const { receiverMs = 0 } = await commit(1);
  expect(Math.abs(receiverMs - before - SKEW_MS)).toBeLessThan(1000);
});

it('asks a receiver that it has not heard of, once, and sends no samples for that', async () => {
  const rig = skewed();
  const { receiverMs = 0 } = await rig.core.time();
  expect(Math.abs(receiverMs - rig.clock.now() - SKEW_MS)).toBeLessThanOrEqual(500);
  await rig.core.time();
  expect(rig.receiver.requests).toMatchObject([{ samples: 0 }]);
  expect(rig.receiver.requests[0]?.status).toBeLessThan(300);
});

it('does not wait long for one that does not answer, nor ask it all the time', async () => {
  const rig = skewed();
  rig.receiver.behave({ kind: 'hang' });
  const asked = rig.core.time();
  await rig.pass(2_000);
  expect(await asked).toEqual({});
  rig.receiver.behave({ kind: 'ok' });
  expect(await rig.core.time()).toEqual({});
  await rig.pass(28_000);
  expect((await rig.core.time()).receiverMs).toBeDefined();
});

it('does not believe the Date of an error page', async () => {
  const rig = skewed();
  rig.receiver.behave({ kind: 'status', status: 502 });
  expect(await rig.core.time()).toEqual({});
  expect(rig.core.metrics().values).not.toHaveProperty('relay_clock_offset_seconds');
});
