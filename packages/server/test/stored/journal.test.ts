import type { KnownEvent } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { EventJournal } from '../../src/turn/journal.ts';
import { Places } from '../../src/turn/places.ts';

describe('an event journal', () => {
  it('tells readers only what was written, and gathers meanwhile', async () => {
    const writes: { numbers: (number | undefined)[]; done: (held: boolean) => void }[] = [];
    const journal = new EventJournal((events) => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      writes.push({ numbers: events.map((event) => event.sequence_number), done: resolve });
      return promise;
    });
    const reader = journal.read(-1);
    const first = reader.next();
    for (let n = 0; n < 4; n++) await journal.push([event(n)]);
    expect(writes.map(({ numbers }) => numbers)).toEqual([[0]]);
    writes[0]?.done(true);
    expect((await first).value).toEqual([event(0)]);
    expect(writes.map(({ numbers }) => numbers)).toEqual([[0], [1, 2, 3]]);
    writes[1]?.done(true);
    await journal.flushed();
    journal.end();
    expect(await collect(journal.read(1))).toEqual([2, 3]);
    expect((await reader.next()).value).toEqual([event(1), event(2), event(3)]);
    expect((await reader.next()).done).toBe(true);
  });

  it('makes its source wait for a slow disk', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const journal = new EventJournal(() => promise);
    await journal.push([event(0)]);
    let waits = true;
    const pushed = journal.push(Array.from({ length: 2000 }, (_, n) => event(n + 1))).then(() => (waits = false));
    await Promise.resolve();
    expect(waits).toBe(true);
    resolve(true);
    await pushed;
    journal.end();
    expect(await collect(journal.read(-1))).toHaveLength(2001);
  });

  it.each([
    ['is refused', async () => false],
    ['fails', async () => Promise.reject(new Error('The disk is gone.'))],
  ])('tells nothing more when a write %s', async (_how, write) => {
    const journal = new EventJournal(write);
    await journal.push([event(0)]);
    await journal.flushed();
    expect(journal.hasFailed).toBe(true);
    await journal.push([event(1)]);
    await journal.flushed();
    journal.end();
    expect(await collect(journal.read(-1))).toEqual([]);
  });
});

describe('places', () => {
  it('are given in the order of asking, and not to who has gone', async () => {
    const places = new Places(1);
    const stays = new AbortController().signal;
    const leaves = new AbortController();
    expect(await places.take(stays)).toBe(true);
    const order: string[] = [];
    const waiting = [
      places.take(stays).then((has) => order.push(`first ${has}`)),
      places.take(leaves.signal).then((has) => order.push(`left ${has}`)),
      places.take(stays).then((has) => order.push(`second ${has}`)),
    ];
    leaves.abort();
    await waiting[1];
    places.give();
    await waiting[0];
    places.give();
    await waiting[2];
    expect(order).toEqual(['left false', 'first true', 'second true']);
    places.give();
    expect(await places.take(stays)).toBe(true);
    expect(await places.take(AbortSignal.abort())).toBe(false);
  });
});

function event(sequence_number: number): KnownEvent {
  return { type: 'keepalive', sequence_number };
}

async function collect(events: AsyncIterable<readonly KnownEvent[]>): Promise<(number | undefined)[]> {
  const numbers: (number | undefined)[] = [];
  for await (const batch of events) numbers.push(...batch.map(({ sequence_number }) => sequence_number));
  return numbers;
}
