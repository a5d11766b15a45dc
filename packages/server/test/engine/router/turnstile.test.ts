import { describe, expect, it } from 'vitest';
import { Turnstile } from '../../../src/engine/routing/turnstile.ts';

const never = new AbortController().signal;

/** Enters, and writes the name down once in. */
function enter(turnstile: Turnstile, log: string[], party: string, name: string): Promise<() => void> {
  return turnstile.enter(party, never).then((leave) => {
    log.push(name);
    return leave;
  });
}

describe('a turnstile', () => {
  it('lets as many run as it may, and lets the parties take turns', async () => {
    const turnstile = new Turnstile({ maxConcurrent: 1, maxWaiting: 10 });
    const log: string[] = [];
    const first = await enter(turnstile, log, 'a', 'a1');
    const names = ['a2', 'a3', 'a4', 'b1', 'b2', 'c1'];
    const waiting = names.map((name) => enter(turnstile, log, name.slice(0, 1), name));
    expect(turnstile.load).toBe(7);
    first();
    // Each leaves as soon as it is in.
    await Promise.all(waiting.map(async (entered) => (await entered)()));
    expect(log).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
    expect(turnstile.load).toBe(0);
  });

  it('never runs more than it may, whoever comes while a place is handed on', async () => {
    const turnstile = new Turnstile({ maxConcurrent: 2, maxWaiting: 100 });
    let running = 0;
    let most = 0;
    const run = async (party: number): Promise<void> => {
      const leave = await turnstile.enter(party, never);
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      leave();
      leave();
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => run(index % 3).then(() => run(index % 5))));
    expect(most).toBe(2);
    expect(turnstile.load).toBe(0);
  });

  it('refuses those for whom there is no room', async () => {
    const turnstile = new Turnstile({ maxConcurrent: 1, maxWaiting: 0 });
    await turnstile.enter('a', never);
    await expect(turnstile.enter('a', never)).rejects.toMatchObject({ entry: 'server_is_overloaded' });
  });

  it('forgets who stops waiting', async () => {
    const turnstile = new Turnstile({ maxConcurrent: 1, maxWaiting: 10 });
    const leave = await turnstile.enter('a', never);
    const abort = new AbortController();
    const gone = turnstile.enter('b', abort.signal);
    const stays = turnstile.enter('b', never);
    abort.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    leave();
    (await stays)();
    expect(turnstile.load).toBe(0);
  });

  it('has no limit unless it is given one', async () => {
    const turnstile = new Turnstile({ maxConcurrent: null, maxWaiting: 0 });
    const leaves = await Promise.all([turnstile.enter('a', never), turnstile.enter('a', never)]);
    expect(turnstile.load).toBe(2);
    for (const leave of leaves) leave();
    expect(turnstile.load).toBe(0);
  });
});
