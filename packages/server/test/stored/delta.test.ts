/** A stored turn costs its delta: one write, and no read, however long the history is (ARCHITECTURE.md). */
import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';
import { clientOf, model } from './sdk.ts';

/** A memory store, and the record of what it was asked: the name of each call, and the size of what was written. */
function createWatchedStore() {
  const asked: { name: string; size: number }[] = [];
  const store = new Proxy(createMemoryStore(), {
    get(target, name: keyof Store) {
      const call = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        asked.push({ name, size: JSON.stringify(args).length });
        return call(...args);
      };
    },
  });
  return { store, asked };
}

const turns = 40;

it.each(['previous_response_id', 'conversation'] as const)('over HTTP and sockets, by %s', async (by) => {
  const { engine, calls } = createEchoEngine({ answer: () => [{ type: 'text.delta', delta: 'yes' }] });
  const { store, asked } = createWatchedStore();
  await using server = await startTestServer({ engines: [engine], store });
  const client = clientOf(server);
  using socket = await TestSocket.open(server.url);
  const { id: conversation } = await client.conversations.create();
  let last = '';
  const next = () => (by === 'conversation' ? { conversation } : last === '' ? {} : { previous_response_id: last });
  const sizes: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const [before, called] = [asked.length, calls.length];
    if (turn % 2 === 0) {
      socket.create({ ...next(), store: true, input: 'again' });
      ({ id: last } = await socket.response());
    } else {
      ({ id: last } = await client.responses.create({ model, ...next(), input: 'again' }));
    }
    const made = asked.slice(before);
    // Only the first turn has to look whether the conversation has items.
    const isFirst = turn === 0 && by === 'conversation';
    expect(made.map(({ name }) => name)).toEqual([...(isFirst ? ['getConversation', 'itemsBefore'] : []), 'put']);
    sizes.push(made.at(-1)?.size ?? 0);
    const extended = calls.slice(called).flatMap((call) => (call.kind === 'extend' ? [call.items] : []));
    expect(extended.reduce((sum, items) => sum + items, 0)).toBe(2);
  }
  expect(Math.max(...sizes.slice(1)) - Math.min(...sizes.slice(1))).toBeLessThan(100);
});
