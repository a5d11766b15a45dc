import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createKeyring } from '../../src/auth/keys.ts';
import type { Connection } from '../../src/connection/connection.ts';
import { createExtensionCounts } from '../../src/observe/extension-counts.ts';
import { Resumables } from '../../src/transport/resumables.ts';

const owner = { project: 'default', key: null };
const limits = { graceMs: 1000, bufferBytes: 1000, memoryBytes: 1000, maxDetached: 2, idempotency: true };

/** Connections that only know whether they were closed, and a clock. */
function createWorld() {
  let nowMs = 0;
  const counts = createExtensionCounts();
  const log = pino({ level: 'silent' });
  const resumables = new Resumables({ ...limits, now: () => nowMs }, createKeyring([]), log, counts);
  const closed: string[] = [];

  function open(id: string) {
    const connection = { id, close: () => void closed.push(id) } as unknown as Connection;
    const resumable = resumables.create(connection, owner);
    const socket = { part: () => {}, listen: () => {} };
    resumable.attach(socket);
    return { cut: () => resumable.detach(socket, false), leave: () => resumable.detach(socket, true) };
  }

  return { resumables, counts, closed, open, pass: (ms: number) => (nowMs += ms) };
}

describe('connections that wait for a socket', () => {
  it('end after the grace period, not before', () => {
    const { resumables, closed, open, pass } = createWorld();
    open('a').cut();
    pass(999);
    resumables.sweep();
    expect(closed).toEqual([]);
    pass(1);
    resumables.sweep();
    expect(closed).toEqual(['a']);
  });

  it('are so many at most: who has waited longest goes', () => {
    const { closed, open } = createWorld();
    const all = ['a', 'b', 'c', 'd'].map(open);
    for (const index of [1, 0, 3, 2]) all[index]?.cut();
    expect(closed).toEqual(['b', 'a']);
  });

  it('end at once when the server stops, also those that lose their socket only then', () => {
    const { resumables, counts, closed, open } = createWorld();
    const [first, second] = [open('a'), open('b')];
    first.cut();
    resumables.close();
    expect(closed).toEqual(['a']);
    second.cut();
    expect(closed).toEqual(['a', 'b']);
    expect(counts.expired).toBe(2);
  });

  it('are not those whose client has left', () => {
    const { counts, closed, open } = createWorld();
    open('a').leave();
    expect(closed).toEqual(['a']);
    expect(counts).toMatchObject({ detached: 0, expired: 0 });
  });
});
