import { describe, expect, it } from 'vitest';
import type { CommitResult, Moved } from '../../../functions/model.ts';
import { decodeObject } from '../../../functions/shard/object-format.ts';
import { LOG_A, LOG_B, plain, point, push, sampleOf } from '../../fakes/commit-requests.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

const STORED: CommitResult = { kind: 'stored', repeated: false };
const REPEATED: CommitResult = { kind: 'stored', repeated: true };

/** A rig whose receiver takes nothing, so that everything stored stays to be looked at. */
function rigWithoutReceiver(options: ConstructorParameters<typeof ShardRig>[0] = {}): ShardRig {
  const rig = new ShardRig(options);
  rig.receiver.behave({ kind: 'down' });
  return rig;
}

async function outcome(rig: ShardRig, ...pushes: readonly ReturnType<typeof push>[]): Promise<readonly (CommitResult | Moved)[]> {
  const results = pushes.map((request) => rig.core.commit(request));
  await rig.pass(300);
  return Promise.all(results);
}

describe('group commit', () => {
  it('makes one object of what several devices push in one interval', async () => {
    const rig = rigWithoutReceiver();
    const t = rig.clock.now();
    const results = await outcome(
      rig,
      push({ device: 'gw-1', from: 0, to: 3, fragments: [sampleOf('gw-1', t, 1), sampleOf('gw-1', t + 1, 2)] }),
      push({ device: 'gw-2', from: 0, to: 1, fragments: [sampleOf('gw-2', t, 3)] }),
    );
    expect(results).toEqual([STORED, STORED]);
    const keys = await rig.dataKeys();
    expect(keys).toEqual(['v1/data/acme/1/0/00000001/000000000001']);
    const object = await rig.bucket.get(keys[0] as string);
    expect(decodeObject(object ?? new Uint8Array()).map(({ device, samples }) => [device, samples])).toEqual([
      ['gw-1', 1],
      ['gw-1', 1],
      ['gw-2', 1],
    ]);
  });

  it('acknowledges only after object and row are there', async () => {
    const rig = rigWithoutReceiver();
    let settled = false;
    const result = rig.core.commit(push({ from: 0, to: 1, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] }));
    void result.then(() => {
      settled = true;
    });
    await rig.clock.advance(99);
    expect(settled).toBe(false);
    expect(await rig.dataKeys()).toEqual([]);
    await rig.clock.advance(1);
    expect(await result).toEqual(STORED);
    expect(await rig.dataKeys()).toHaveLength(1);
  });

  it('does not keep many waiting for an interval in which nobody else comes', async () => {
    const rig = rigWithoutReceiver({ shard: { commitIntervalMs: 1000 } });
    const devices = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) =>
        rig.core.commit(push({ device: `gw-${from + i}`, from: 0, to: 1, fragments: [sampleOf(`gw-${from + i}`, rig.clock.now(), 1)] })),
      );
    const few = devices(0, 31);
    await rig.clock.advance(999);
    expect(await rig.dataKeys()).toEqual([]);
    await rig.clock.advance(1);
    await Promise.all(few);
    expect(await rig.dataKeys()).toHaveLength(1);

    const many = devices(100, 31);
    await rig.clock.advance(40);
    many.push(...devices(200, 1));
    await rig.clock.advance(50);
    expect(await rig.dataKeys()).toHaveLength(1);
    await rig.clock.advance(60);
    await Promise.all(many);
    expect(await rig.dataKeys()).toHaveLength(2);
  });

  it('knows what it stored after a restart', async () => {
    const rig = rigWithoutReceiver();
    const first = push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] });
    await outcome(rig, first);
    rig.restart();
    expect(await outcome(rig, first)).toEqual([REPEATED]);
    expect(await outcome(rig, push({ from: 0, to: 5 }))).toEqual([{ kind: 'conflict', stored: point(3), points: [point(3)] }]);
    expect(await outcome(rig, push({ from: 3, to: 5 }))).toEqual([STORED]);
  });

  it('moves positions of a push without fragments, without an object', async () => {
    const rig = rigWithoutReceiver();
    expect(await outcome(rig, push({ from: 0, to: 3 }))).toEqual([STORED]);
    expect(await rig.dataKeys()).toEqual([]);
    rig.restart();
    expect(await outcome(rig, push({ from: 0, to: 3 }))).toEqual([REPEATED]);
  });

  it('has a repeat wait for the commit of the first copy', async () => {
    const rig = rigWithoutReceiver();
    const request = push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] });
    expect(await outcome(rig, request, request)).toEqual([STORED, REPEATED]);
    expect(rig.store.creates).toBe(1);
  });

  it('tells a repeat nothing good when that commit fails', async () => {
    const rig = rigWithoutReceiver();
    rig.store.createFault = () => 'fails';
    const request = push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] });
    const results = await outcome(rig, request, request);
    expect(results.map(({ kind }) => kind)).toEqual(['busy', 'busy']);
  });

  it('takes two batches of a device in one interval, in order', async () => {
    const rig = rigWithoutReceiver();
    const t = rig.clock.now();
    const results = await outcome(
      rig,
      push({ from: 0, to: 3, fragments: [sampleOf('gw-1', t, 1)] }),
      push({ from: 3, to: 6, fragments: [sampleOf('gw-1', t + 1, 2)] }),
    );
    expect(results).toEqual([STORED, STORED]);
    expect(await outcome(rig, push({ from: 6, to: 7 }))).toEqual([STORED]);
  });

  it('names no point in a conflict that is not durable', async () => {
    const rig = rigWithoutReceiver();
    rig.store.createFault = () => 'fails';
    const results = await outcome(
      rig,
      push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] }),
      push({ from: 1, to: 6, fragments: [] }),
    );
    expect(results.map(({ kind }) => kind)).toEqual(['busy', 'busy']);
  });

  it('fails what follows a commit that failed', async () => {
    const rig = rigWithoutReceiver();
    rig.store.createFault = () => 'late';
    const first = rig.core.commit(push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] }));
    await rig.clock.advance(150);
    const second = rig.core.commit(push({ from: 3, to: 6, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] }));
    rig.store.createFault = () => undefined;
    await rig.pass(31_000);
    expect((await first).kind).toBe('busy');
    expect((await second).kind).toBe('busy');
    expect(await outcome(rig, push({ from: 3, to: 6 }))).toEqual([STORED]);
  });

  it('keeps devices and log_ids apart', async () => {
    const rig = rigWithoutReceiver();
    const results = await outcome(
      rig,
      push({ device: 'gw-1', log: LOG_A, from: 0, to: 3 }),
      push({ device: 'gw-1', log: LOG_B, from: 0, to: 3 }),
      push({ device: 'gw-2', log: LOG_A, from: 7, to: 9 }),
    );
    expect(results).toEqual([STORED, STORED, STORED]);
    expect(rig.value('relay_devices_with_several_logs')).toBe(1);
    expect(rig.value('relay_device_logs_active')).toBe(3);
  });

  it('refuses the data of another tenant', async () => {
    const rig = rigWithoutReceiver();
    await expect(rig.core.commit({ ...push({ from: 0, to: 1 }), tenant: 'other' })).rejects.toThrow(/expected data of its tenant/);
  });
});

describe('a put that fails', () => {
  it('is answered with busy, and its key is never used again', async () => {
    const rig = rigWithoutReceiver();
    const request = push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] });
    const keys: string[] = [];
    rig.store.createFault = (key) => {
      keys.push(key);
      return keys.length < 3 ? 'ambiguous' : undefined;
    };
    expect((await outcome(rig, request))[0]?.kind).toBe('busy');
    expect((await outcome(rig, request))[0]?.kind).toBe('busy');
    expect(await outcome(rig, request)).toEqual([STORED]);
    expect(new Set(keys).size).toBe(3);
  });

  it('leaves objects that are deleted and never sent', async () => {
    const rig = rigWithoutReceiver();
    const request = push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] });
    await rig.core.poke();
    rig.store.createFault = () => 'ambiguous';
    await outcome(rig, request);
    rig.store.createFault = () => undefined;
    await outcome(rig, request);
    expect(await rig.dataKeys()).toHaveLength(2);
    await rig.pass(600_000, 10_000);
    await rig.core.poke();
    expect(await rig.dataKeys()).toEqual(['v1/data/acme/1/0/00000001/000000000002']);
    expect(rig.value('relay_orphans_deleted_total')).toBe(1);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(20_000);
    expect(rig.receiver.tenant('acme').samples).toBe(1);
  });

  it('of an instance that is gone is deleted even when it lands late', async () => {
    const rig = rigWithoutReceiver();
    const request = push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] });
    rig.store.createFault = () => 'late';
    void rig.core.commit(request);
    await rig.pass(200);
    rig.restart();
    rig.store.createFault = () => undefined;
    expect(await outcome(rig, request)).toEqual([STORED]);
    await rig.core.poke();
    await rig.store.landLate();
    expect(await rig.dataKeys()).toHaveLength(2);
    await rig.pass(600_000, 10_000);
    await rig.core.poke();
    expect(await rig.dataKeys()).toEqual(['v1/data/acme/1/0/00000002/000000000001']);
  });
});

it('the object of a commit under way is not taken for one of nobody', async () => {
  const rig = rigWithoutReceiver();
  const t = rig.clock.now();
  for (const from of [0, 1]) {
    rig.store.createFault = () => 'slow';
    const result = rig.core.commit(push({ from, to: from + 1, fragments: [sampleOf('gw-1', t + from, 1)] }));
    await rig.pass(200);
    await rig.core.poke();
    await rig.store.landLate();
    await rig.pass(200);
    expect(await result).toEqual(STORED);
    expect(await rig.dataKeys()).toHaveLength(from + 1);
    await rig.pass(700_000, 10_000);
  }
});

describe('an instance that was replaced', () => {
  it('acknowledges nothing any more', async () => {
    const rig = rigWithoutReceiver();
    const old = rig.core;
    const request = push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] });
    await outcome(rig, push({ device: 'other', from: 0, to: 1, fragments: [sampleOf('other', rig.clock.now(), 1)] }));
    const result = old.commit(request);
    rig.restart();
    await rig.pass(300);
    expect((await result).kind).toBe('busy');
    expect(rig.fatal).toHaveLength(1);
    expect((await old.commit(request)).kind).toBe('busy');
    expect(await outcome(rig, request)).toEqual([STORED]);
  });

  it('ends when its storage cannot promise durability', async () => {
    const rig = rigWithoutReceiver();
    await outcome(rig, push({ device: 'other', from: 0, to: 1 }));
    rig.storage.failingSyncs = 1;
    const results = await outcome(rig, push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] }));
    expect(results.map(({ kind }) => kind)).toEqual(['busy']);
    expect(rig.fatal).toHaveLength(1);
  });
});

describe('requests of standard senders', () => {
  it('are stored each time they come, beside pushes, and leave no position', async () => {
    const rig = rigWithoutReceiver();
    const t = rig.clock.now();
    const request = plain('gw-1', sampleOf('gw-1', t, 1));
    const results = [rig.core.commit(request), rig.core.commit(request)];
    results.push(rig.core.commit(push({ from: 0, to: 1, fragments: [sampleOf('gw-1', t + 1, 2)] })));
    await rig.pass(300);
    expect(await Promise.all(results)).toEqual([STORED, STORED, STORED]);
    expect(rig.store.creates).toBe(1);
    expect(rig.value('relay_samples_stored_total')).toBe(3);
    expect(rig.value('relay_x_total')).toBe(2);
    rig.restart();
    expect(rig.core.metrics().values).toMatchObject({ relay_devices: 1 });
    const after = rig.core.commit(request);
    await rig.pass(300);
    expect(await after).toEqual(STORED);
  });

  it('are acknowledged only when they are durable', async () => {
    const rig = rigWithoutReceiver();
    rig.store.createFault = () => 'late';
    const failed = rig.core.commit(plain('gw-1', sampleOf('gw-1', rig.clock.now(), 1)));
    await rig.pass(40_000);
    expect(await failed).toMatchObject({ kind: 'busy', reason: 'commit' });
    expect(rig.value('relay_samples_stored_total')).toBe(0);
  });
});

describe('limits', () => {
  it('a full buffer makes devices wait, and a repeat is acknowledged all the same', async () => {
    const one = push({ from: 0, to: 1, fragments: [sampleOf('gw-1', 1_700_000_000_000, 1)] });
    const rig = rigWithoutReceiver({ shard: { maxBufferBytes: 100 } });
    expect(await outcome(rig, one)).toEqual([STORED]);
    const next = push({ from: 1, to: 2, fragments: [sampleOf('gw-1', 1_700_000_000_001, 1)] });
    const [full] = await outcome(rig, next);
    expect(full).toMatchObject({ kind: 'busy', reason: 'buffer' });
    expect(await outcome(rig, one)).toEqual([REPEATED]);
    expect(rig.value('relay_shard_busy_total{reason="buffer"}')).toBe(1);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(6_000);
    expect(await outcome(rig, next)).toEqual([STORED]);
  });

  it('a push larger than the whole buffer waits until that is empty, and no longer', async () => {
    const rig = rigWithoutReceiver({ shard: { maxBufferBytes: 1 } });
    const one = push({ from: 0, to: 1, fragments: [sampleOf('gw-1', 1_700_000_000_000, 1)] });
    const next = push({ from: 1, to: 2, fragments: [sampleOf('gw-1', 1_700_000_000_001, 1)] });
    expect(await outcome(rig, one)).toEqual([STORED]);
    expect(await outcome(rig, next)).toMatchObject([{ kind: 'busy', reason: 'buffer' }]);
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(6_000);
    expect(await outcome(rig, next)).toEqual([STORED]);
  });

  it('an isolate without memory refuses, and gives back what it held', async () => {
    const rig = rigWithoutReceiver({ budgetBytes: 400 });
    const t = rig.clock.now();
    const results = await outcome(
      rig,
      ...['a', 'b', 'c', 'd', 'e'].map((device) => push({ device, from: 0, to: 1, fragments: [sampleOf(device, t, 1)] })),
    );
    const kinds = results.map(({ kind }) => kind);
    expect(kinds).toContain('stored');
    expect(kinds).toContain('busy');
    rig.receiver.behave({ kind: 'ok' });
    await rig.pass(6_000);
    expect(rig.budget.used).toBe(0);
  });

  it('a new instance of a shard does not inherit what the old one held', async () => {
    const rig = rigWithoutReceiver();
    rig.store.createFault = () => 'late';
    void rig.core.commit(push({ from: 0, to: 3, fragments: [sampleOf('gw-1', rig.clock.now(), 1)] }));
    await rig.pass(200);
    expect(rig.budget.used).toBeGreaterThan(0);
    rig.restart();
    expect(rig.budget.used).toBe(0);
  });
});

it('positions survive a snapshot and the rows before it', async () => {
  const rig = new ShardRig();
  for (let i = 0; i < 320; i++) {
    const pending = rig.core.commit(push({ from: i, to: i + 1, fragments: [sampleOf('gw-1', rig.clock.now(), i)] }));
    await rig.clock.advance(100);
    expect((await pending).kind).toBe('stored');
  }
  await rig.pass(1000);
  rig.restart();
  const [conflict] = await outcome(rig, push({ from: 0, to: 1 }));
  expect(conflict).toMatchObject({ kind: 'conflict', stored: point(320) });
  expect((conflict as Extract<CommitResult, { kind: 'conflict' }>).points.map(({ position }) => position)).toEqual(
    Array.from({ length: 16 }, (_, i) => 320 - i),
  );
  expect(rig.receiver.tenant('acme').samples).toBe(320);
  expect(await rig.dataKeys()).toEqual([]);
});
