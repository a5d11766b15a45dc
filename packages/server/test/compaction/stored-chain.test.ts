/** A stored chain that was compacted: what is read back of it, and what is not any more. */
import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { TestSocket } from '../harness.ts';
import { allOf, clientOf, model, textOf } from '../stored/sdk.ts';
import { createRememberingEngine, lastContext, recite, startCompactingServer, summariesIn } from './world.ts';

const trigger = { type: 'compaction_trigger' };
const say = (content: string) => ({ role: 'user' as const, content });
const project = 'default';

/** Stays open when its server closes: the next one reads it as after a restart. */
function keptOpen(store: Store): Store {
  return { ...store, close: () => Promise.resolve() };
}

/** Three stored turns, the second of which compacts. */
async function runTurns(url: string, before: object[] = []): Promise<string[]> {
  using socket = await TestSocket.open(url);
  const ids: string[] = [];
  for (const input of [[...before, say('fact-1')], [say('fact-2'), trigger], [say('fact-3')]]) {
    socket.create({ store: true, input, ...(ids.length > 0 && { previous_response_id: ids.at(-1) }) });
    ids.push((await socket.response()).id);
  }
  return ids;
}

it('is read from its compaction on', async () => {
  const store = createMemoryStore();
  const ids: string[] = [];
  {
    await using server = await startCompactingServer({
      store: keptOpen(store),
      engines: [createRememberingEngine().engine],
    });
    ids.push(...(await runTurns(server.url)));
  }
  const [first = '', second = '', third = ''] = ids;
  expect((await store.chain(project, third))?.map(({ id }) => id)).toEqual([second, third]);

  const { engine, calls } = createRememberingEngine();
  await using server = await startCompactingServer({ store, engines: [engine] });
  const client = clientOf(server);
  // What came before is there for whoever asks for it, and needed by nobody.
  const seen = await allOf(client.responses.inputItems.list(second, { order: 'asc' }));
  expect(seen.map(textOf)).toEqual(['fact-1', 'I know fact-1.', 'fact-2', 'compaction_trigger']);
  await client.responses.delete(first);
  const next = await client.responses.create({ model, input: 'Report.', previous_response_id: third });
  expect(next.output_text).toBe('I know fact-1 fact-2 fact-3.');
  expect(lastContext(calls)).not.toContain('assistant: I know fact-1.');
});

it('is read whole where it brought in tools before', async () => {
  const store = createMemoryStore();
  const tools = [{ type: 'function', name: 'look', parameters: null, strict: null }];
  const before = [{ type: 'additional_tools', role: 'developer', tools }];
  const { engine, calls } = createRememberingEngine();
  const ids: string[] = [];
  {
    await using server = await startCompactingServer({
      store: keptOpen(store),
      engines: [createRememberingEngine().engine],
    });
    ids.push(...(await runTurns(server.url, before)));
  }
  expect((await store.chain(project, ids[2] ?? ''))?.map(({ id }) => id)).toEqual(ids);
  await using server = await startCompactingServer({ store, engines: [engine] });
  await clientOf(server).responses.create({ model, input: 'Report.', previous_response_id: ids[2] });
  const asked = calls.findLast(({ kind }) => kind === 'generate');
  expect(asked?.kind === 'generate' && asked.request.preamble.tools).toMatchObject(tools);
});

it.each(['trigger', 'threshold'] as const)(
  'goes on in a conversation, compacted by %s, also after a restart',
  async (form) => {
    const store = createMemoryStore();
    let conversation = '';
    const facts = ['fact-1 '.repeat(40), 'fact-2'];
    {
      const { engine, calls } = createRememberingEngine();
      await using server = await startCompactingServer({ store: keptOpen(store), engines: [engine] });
      const client = clientOf(server);
      conversation = (await client.conversations.create()).id;
      for (const [turn, fact] of facts.entries()) {
        const compacts = turn === facts.length - 1;
        const input = [say(fact), ...(compacts && form === 'trigger' ? [trigger] : [])];
        await client.responses.create({
          model,
          conversation,
          input: input as [],
          ...(compacts &&
            form === 'threshold' && { context_management: [{ type: 'compaction', compact_threshold: 50 }] }),
        });
      }
      expect(summariesIn(calls)).toBe(1);
      const told = await client.responses.create({ model, conversation, input: 'Report.' });
      expect(told.output_text).toBe('I know fact-1 fact-2.');
    }
    const { engine, calls } = createRememberingEngine();
    await using server = await startCompactingServer({ store, engines: [engine] });
    const client = clientOf(server);
    const items = await allOf(client.conversations.items.list(conversation, { order: 'asc' }));
    expect(items.map(({ type }) => type)).toContain('compaction');
    const told = await client.responses.create({ model, conversation, input: 'Again.' });
    expect(told.output_text).toBe('I know fact-1 fact-2.');
    // Of the first turn's answer only the summary is left.
    expect(lastContext(calls)).not.toContain('assistant: I know fact-1.');
  },
);

it('still waits for the outputs of asynchronous calls', async () => {
  const store = createMemoryStore();
  const call = {
    type: 'function_call',
    id: 'fc_1',
    call_id: 'call_1',
    name: 'look',
    arguments: '{}',
    async: true,
  } as const;
  const { engine, calls } = createRememberingEngine((facts, turn) =>
    turn === 0 ? [{ type: 'item', item: call }] : recite(facts, turn),
  );
  await using server = await startCompactingServer({ store, engines: [engine] });
  const ids = await runTurns(server.url);
  const output = { type: 'function_call_output', call_id: 'call_1', output: 'fact-4' } as const;
  const answered = await clientOf(server).responses.create({ model, input: [output], previous_response_id: ids[2] });
  expect(answered.output_text).toBe('I know fact-1 fact-2 fact-3 fact-4.');
  // The engine is given the call in front of its output.
  expect(lastContext(calls).filter((text) => text.startsWith('function_call'))).toEqual([
    'function_call',
    'function_call_output',
  ]);
});
