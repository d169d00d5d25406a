import { describe, expect, it } from 'vitest';
import { acquireLock, type LockHost, type LockName, type Owner, releaseLock } from '../../../agent-lite/wal/lock.ts';
import { LogLockedError } from '../../../agent-lite/wal/store.ts';

/** A machine of which a test says what runs. */
class Machine {
  readonly files = new Map<LockName, string>();
  readonly running = new Map<number, string>();
  boot = 'boot-1';

  host(pid: number, started: string): LockHost {
    const { files, running } = this;
    return {
      place: '/data',
      self: async (): Promise<Owner> => ({ pid, started, boot: this.boot }),
      process: async (id) => (running.has(id) ? { started: running.get(id) ?? '' } : undefined),
      read: async (name) => files.get(name),
      async create(name, text) {
        if (files.has(name)) return false;
        files.set(name, text);
        return true;
      },
      replace: async (name, text) => void files.set(name, text),
      remove: async (name) => void files.delete(name),
    };
  }

  start(pid: number, started: string): LockHost {
    this.running.set(pid, started);
    return this.host(pid, started);
  }
}

describe('the lock of a directory', () => {
  const cases: readonly [name: string, change: (machine: Machine) => void, free: boolean][] = [
    ['its owner runs', () => undefined, false],
    ['its owner has ended', (machine) => machine.running.delete(100), true],
    ['its owner has ended and its id was given anew', (machine) => machine.running.set(100, '999'), true],
    ['the machine was started anew, and the id happens to run with the same start time', (machine) => (machine.boot = 'boot-2'), true],
    ['it was torn', (machine) => machine.files.set('lock', '{"pid":1'), true],
    ['it is empty', (machine) => machine.files.set('lock', ''), true],
    ['it says nonsense', (machine) => machine.files.set('lock', '{"pid":-1,"started":"","boot":""}'), true],
  ];
  for (const [name, change, free] of cases) {
    it(`${free ? 'can' : 'cannot'} be taken when ${name}`, async () => {
      const machine = new Machine();
      await acquireLock(machine.start(100, '5'));
      change(machine);
      const second = machine.start(200, '7');
      if (free) await acquireLock(second);
      else await expect(acquireLock(second)).rejects.toThrow(/\/data: .*process 100 has locked it/);
      expect(machine.files.get('lock')).toContain(free ? '200' : '100');
      expect(machine.files.has('lock.takeover')).toBe(false);
    });
  }

  it('without start times a living process with the old id keeps it', async () => {
    const machine = new Machine();
    machine.boot = '';
    await acquireLock(machine.start(100, ''));
    await expect(acquireLock(machine.start(200, ''))).rejects.toBeInstanceOf(LogLockedError);
    machine.running.delete(100);
    await acquireLock(machine.start(200, ''));
  });

  it('is not taken over by two at once', async () => {
    const machine = new Machine();
    await acquireLock(machine.start(100, '5'));
    machine.running.delete(100);
    machine.files.set('lock.takeover', JSON.stringify({ pid: 300, started: '9', boot: 'boot-1' }));
    machine.running.set(300, '9');
    await expect(acquireLock(machine.start(200, '7'))).rejects.toThrow(/process 300/);
    machine.running.delete(300);
    await acquireLock(machine.start(200, '7'));
  });

  it('is let go by its owner only', async () => {
    const machine = new Machine();
    const first = machine.start(100, '5');
    await acquireLock(first);
    await releaseLock(machine.start(200, '7'));
    expect(machine.files.has('lock')).toBe(true);
    await releaseLock(first);
    expect(machine.files.size).toBe(0);
  });
});
