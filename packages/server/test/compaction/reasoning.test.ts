/** Reasoning that a client keeps sealed and sends back (dossier Q.4; clients.md, capture 16). */
import type { Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { TestSocket } from '../harness.ts';
import { startCompactingServer } from './world.ts';

const include = ['reasoning.encrypted_content'];
const thinking = () =>
  createEchoEngine({
    answer: ({ context }) => [
      { type: 'reasoning.delta', delta: 'It is a trick question.' },
      { type: 'text.delta', delta: `${context.items.length}` },
    ],
  });

describe('reasoning with include', () => {
  it('carries its text sealed, and gets it back on another connection', async () => {
    const { engine, calls } = thinking();
    await using server = await startCompactingServer({ engines: [engine] });
    using first = await TestSocket.open(server.url);
    first.create({ include, input: 'Why?' });
    const { output } = await first.response();
    const [reasoning] = output;
    expect(reasoning).toMatchObject({ type: 'reasoning', encrypted_content: expect.stringMatching(/^lw1_/) });

    using second = await TestSocket.open(server.url);
    // As clients send it back that keep the sealed form only.
    const { content: _content, ...sealed } = reasoning as Extract<Item, { type: 'reasoning' }>;
    second.create({ include, input: [sealed, ...output.slice(1), { role: 'user', content: 'Go on.' }] });
    const response = await second.response();
    expect(response).not.toHaveProperty('input_transformations');
    const asked = calls.findLast((call) => call.kind === 'generate');
    expect(asked?.request.context.items[0]).toMatchObject({
      type: 'reasoning',
      content: [{ type: 'reasoning_text', text: 'It is a trick question.' }],
    });
  });

  it('keeps the seal of an engine inside its own, on the chain and off it', async () => {
    const item = { type: 'reasoning' as const, id: 'rs_upstream', summary: [], encrypted_content: 'gAAAA-upstream' };
    const { engine, calls } = createEchoEngine({ answer: () => [{ type: 'item', item }] });
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ include, input: 'Why?' });
    const { id, output } = await socket.response();
    expect(output).toMatchObject([{ id: 'rs_upstream', encrypted_content: expect.stringMatching(/^lw1_/) }]);
    socket.create({ include, previous_response_id: id, input: 'Go on.' });
    await socket.response();
    socket.create({ include, input: [...output, { role: 'user', content: 'Go on.' }] });
    await socket.response();
    const seen = calls.flatMap((call) => (call.kind === 'generate' ? [call.request.context.items] : []));
    for (const items of seen.slice(1)) {
      expect(items.find(({ type }) => type === 'reasoning')).toMatchObject({ encrypted_content: 'gAAAA-upstream' });
    }
  });

  it('is not sealed unless it was asked for', async () => {
    const { engine } = thinking();
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'Why?' });
    expect((await socket.response()).output[0]).not.toHaveProperty('encrypted_content');
  });

  it('of another server is left out, and the response says so from its first event on', async () => {
    const { engine, calls } = thinking();
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    const foreign = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'thinking' }] };
    socket.create({
      include,
      input: [
        { ...foreign, encrypted_content: 'ENC1' },
        { role: 'user', content: 'Go on.' },
      ],
    });
    const frames = await socket.turn();
    const removed = [{ id: 'rs_1', type: 'reasoning', action: 'removed', reason: 'organization_mismatch' }];
    for (const frame of [frames[0], frames.at(-1)]) {
      expect(frame).toMatchObject({ response: { input_transformations: removed } });
    }
    const asked = calls.findLast((call) => call.kind === 'generate');
    expect(asked?.request.context.items.map(({ type }) => type)).toEqual(['message']);
  });
});
