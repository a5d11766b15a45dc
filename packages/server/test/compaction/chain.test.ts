/** What a compaction means for nodes. */
import type { Item, OutputItem, Tool } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { contextOf } from '../../src/chain/context.ts';
import { createNode, type ChainNode, type NodeSource } from '../../src/chain/node.ts';
import { estimateTokens, tokensAfter } from '../../src/chain/tokens.ts';
import { createEchoEngine } from '../echo-engine.ts';

const say = (text: string): Item => ({ type: 'message', role: 'user', content: text });
const compaction: OutputItem = { type: 'compaction', id: 'cmp_1', encrypted_content: 'sealed' };
const call: OutputItem = {
  type: 'function_call',
  id: 'fc_1',
  call_id: 'call_1',
  name: 'look',
  arguments: '{}',
  status: 'completed',
};
const tool: Tool = { type: 'function', name: 'look', parameters: null, strict: null };
const tools: Item = { type: 'additional_tools', role: 'developer', tools: [tool] };

function node(parent: ChainNode | null, source: Partial<NodeSource>): ChainNode {
  const rest = { id: 'resp', project: 'default', stored: false, model: 'm', input: [], output: [] };
  return createNode({ ...rest, ...source, parent }, null);
}

describe('a node with a compaction', () => {
  it('lets go of everything before it, and keeps the tools that it brought', () => {
    const old = node(null, { input: [tools, say('old')], output: [call] });
    for (const source of [{ output: [compaction] }, { input: [compaction, say('new')] }]) {
      const begun = node(old, source);
      expect(begun.parent).toBeNull();
      expect(begun.openCalls.map(({ id }) => id)).toEqual([]);
      expect(begun.tools).toEqual([tool]);
    }
  });

  it('keeps asynchronous calls open: their outputs come later', () => {
    const late: OutputItem = { ...call, call_id: 'call_late', async: true };
    const begun = node(node(null, { output: [call, late] }), { output: [compaction] });
    expect(begun.openCalls.map(({ id }) => id)).toEqual(['call_late']);
  });

  it('knows the calls that were made behind it', () => {
    const begun = node(node(null, { output: [call] }), { output: [compaction, { ...call, call_id: 'call_2' }] });
    expect(begun.openCalls.map(({ id }) => id)).toEqual(['call_2']);
  });

  it('is where an engine begins that has no context yet', () => {
    const { engine, calls } = createEchoEngine();
    const begun = node(node(null, { input: [say('old')] }), { input: [say('asked')], output: [compaction] });
    const last = node(begun, { input: [say('new')] });
    const open = (_: ChainNode, items: readonly Item[]) => {
      const at = items.indexOf(compaction);
      return at === -1 ? { items, restarts: false } : { items: [say('note')], restarts: true };
    };
    expect(contextOf(engine, last, open)).toEqual({ items: [say('note'), say('new')] });
    expect(calls.reduce((sum, each) => sum + (each.kind === 'extend' ? each.items : 0), 0)).toBe(3);
  });
});

describe('the tokens of a chain', () => {
  const usage = {
    input_tokens: 90,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 10,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 100,
  };

  it('are what the engine counted last', () => {
    expect(tokensAfter(7, [say('x')], { output: [call], usage })).toBe(100);
  });

  it('are guessed where it did not count', () => {
    const input = [say('x'.repeat(400))];
    expect(tokensAfter(1000, input, { output: [], usage: null })).toBe(1000 + estimateTokens(input));
    expect(estimateTokens(input)).toBeGreaterThan(100);
    expect(estimateTokens(input)).toBeLessThan(130);
  });

  it('are those of the summary once the rest is forgotten', () => {
    const sealed: OutputItem = { ...compaction, encrypted_content: 'x'.repeat(1600) };
    expect(tokensAfter(50_000, [], { output: [sealed], usage })).toBe(300);
  });

  it('do not count a picture by its bytes', () => {
    const picture: Item = {
      type: 'message',
      role: 'user',
      content: [{ type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${'A'.repeat(100_000)}` }],
    };
    expect(estimateTokens([picture])).toBeLessThan(50);
  });
});
