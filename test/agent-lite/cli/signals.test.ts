import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { runUntilSignal } from '../../../agent-lite/cli/signals.ts';
import type { Logger } from '../../../agent-lite/model.ts';

function setup(stop: () => Promise<void> = () => Promise.resolve()) {
  const events = new EventEmitter();
  const messages: string[] = [];
  const exits: number[] = [];
  const calls = { stop: 0, reload: 0 };
  const logger: Logger = { log: (level, message) => messages.push(`${level} ${message}`) };
  const code = runUntilSignal(events, {
    logger,
    stop() {
      calls.stop++;
      return stop();
    },
    reload() {
      calls.reload++;
      return calls.reload === 1 ? Promise.resolve() : Promise.reject(new Error('bad file'));
    },
    exit: (status) => exits.push(status),
  });
  return { events, messages, exits, calls, code };
}

describe('runUntilSignal', () => {
  it.each(['SIGTERM', 'SIGINT'])('%s stops once and gives 0', async (signal) => {
    const { events, calls, code, exits } = setup();
    events.emit(signal, signal);
    expect(await code).toBe(0);
    expect([calls.stop, exits.length]).toEqual([1, 0]);
    expect(events.eventNames()).toEqual([]);
  });

  it('a second signal exits at once', () => {
    const { events, calls, exits } = setup(() => new Promise(() => {}));
    events.emit('SIGTERM', 'SIGTERM');
    expect(exits).toEqual([]);
    events.emit('SIGINT', 'SIGINT');
    expect([calls.stop, exits]).toEqual([1, [1]]);
  });

  it('gives 1 where stopping fails', async () => {
    const { events, code, messages } = setup(() => Promise.reject(new Error('no')));
    events.emit('SIGTERM', 'SIGTERM');
    expect(await code).toBe(1);
    expect(messages).toContain('error Stopping failed');
  });

  it('SIGHUP reloads, and a failed reload stops nothing', async () => {
    const { events, calls, code, messages } = setup();
    events.emit('SIGHUP', 'SIGHUP');
    events.emit('SIGHUP', 'SIGHUP');
    await Promise.resolve();
    await Promise.resolve();
    expect(calls).toEqual({ stop: 0, reload: 2 });
    expect(messages).toEqual(['error Reload failed']);
    events.emit('SIGTERM', 'SIGTERM');
    expect(await code).toBe(0);
  });

  it.each<[string, string, unknown, number]>([
    ['a rejection nobody waits for', 'unhandledRejection', new Error('x'), 0],
    ['a rejection with no error', 'unhandledRejection', 'x', 0],
    ['a disk error', 'uncaughtException', Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' }), 0],
    ['a bug', 'uncaughtException', new TypeError('x is not a function'), 1],
  ])('%s', async (_, event, cause, expected) => {
    const { events, calls, code, messages } = setup();
    events.emit(event, cause);
    expect(messages).toHaveLength(1);
    expect(calls.stop).toBe(expected);
    events.emit('SIGTERM', 'SIGTERM');
    expect(await code).toBe(expected);
  });
});
