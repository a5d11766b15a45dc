import { errors, type Item, type OutputItem } from '@longwire/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextOf, type OpenNodeItems } from '../../src/chain/context.ts';
import { SentHistory } from '../../src/chain/known-history.ts';
import { createNode, type ChainNode } from '../../src/chain/node.ts';
import { blockTokens, packHistory, unpackedTokens, type TextOf } from '../../src/chain/packing.ts';
import { noOpenCalls } from '../../src/chain/tool-calls.ts';
import { keptMessages } from '../../src/compaction/kept.ts';
import { Sealer } from '../../src/compaction/sealer.ts';
import { SealingKeys } from '../../src/compaction/sealing-keys.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createOpenAIChatEngine } from '../../src/engine/openai-chat/openai-chat.ts';
import { Truncation } from '../../src/turn/truncation.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { toGeneration } from '../engine/openai-chat/requests.ts';

const chat = createOpenAIChatEngine({ name: 'chat', baseUrl: 'http://127.0.0.1:1/v1' }) as Engine;
const user = (content: string): Item => ({ type: 'message', role: 'user', content });
const answer = (text: string): OutputItem => ({
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
});
const open: OpenNodeItems = (_node, items) => ({ items, restarts: false });
const textOf: TextOf = ({ context }, since) => chat.text?.(context, since?.context ?? null) ?? [];

let nextId = 0;

/** A node of one question and one answer behind `parent`, as the chat engine prepares it. */
function nextNode(parent: ChainNode | null, tokens: number, question = 'Why?', words = 'Because.'): ChainNode {
  const input = [user(question)];
  const output = [answer(words)];
  const beforeOutput = chat.extend(parent?.context?.context ?? null, input);
  const context = { engine: 'chat', context: chat.extend(beforeOutput, output), beforeOutput, isShortened: false };
  const node = { id: `resp_${nextId++}`, project: 'p', parent, stored: false, model: 'm', input, output };
  return createNode({ ...node, tokens: (parent?.tokens ?? 0) + tokens }, context);
}

function grow(turns: number, tokens: number, parent: ChainNode | null = null): ChainNode[] {
  const nodes: ChainNode[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const node = nextNode(nodes.at(-1) ?? parent, tokens);
    packHistory(node, textOf);
    nodes.push(node);
  }
  return nodes;
}

function chainBack(node: ChainNode | null): ChainNode[] {
  const chain: ChainNode[] = [];
  for (let at = node; at; at = at.parent) chain.push(at);
  return chain;
}

const packed = (nodes: readonly ChainNode[]): number => nodes.filter(({ items }) => !items.isLoose).length;

describe('a chain', () => {
  it('packs nothing while it is short', () => {
    const nodes = grow(100, (unpackedTokens + blockTokens - 1) / 100);
    expect(packed(nodes)).toBe(0);
  });

  it('packs a block at a time once it is long, the newest node included, and leaves less than a block', () => {
    const tokens = 512;
    const nodes = grow(100, tokens);
    expect(packed(nodes)).toBeGreaterThan(0);
    const loose = nodes.length - packed(nodes);
    expect(loose).toBeLessThan(blockTokens / tokens);
    expect(nodes.findLastIndex(({ items }) => !items.isLoose)).toBe(packed(nodes) - 1);
  });

  it('packs each node once and looks no further back than to the last one that is packed', () => {
    const reads = new Map<ChainNode, number>();
    let last: ChainNode | null = null;
    for (let turn = 0; turn < 400; turn++) {
      last = nextNode(last, 512);
      const { items } = last;
      const node: ChainNode = last;
      reads.set(node, 0);
      Object.defineProperty(node, 'items', {
        get() {
          reads.set(node, (reads.get(node) ?? 0) + 1);
          return items;
        },
      });
      packHistory(node, textOf);
    }
    expect(Math.max(...reads.values())).toBeLessThanOrEqual(4);
  });

  it('is packed as one that came in one request', () => {
    const [node] = grow(1, 100_000);
    expect(node?.items.isLoose).toBe(false);
  });

  it('goes on packing where its context was cut short', () => {
    let node = nextNode(null, 100_000);
    packHistory(node, textOf);
    for (let turn = 0; turn < 20; turn++) {
      node = nextNode({ ...node, tokens: turn % 2 === 0 ? 90_000 : 50_000 }, 1000);
      packHistory(node, textOf);
    }
    let loose = 0;
    for (let at: ChainNode | null = node; at?.items.isLoose; at = at.parent) loose += 1;
    expect(loose).toBeLessThanOrEqual(blockTokens / 1000);
  });

  it('shares what is packed with its forks: each packs its own', () => {
    const trunk = grow(40, 512);
    const middle = trunk[20];
    const before = trunk.map(({ items }) => items.input);
    const asked: (readonly [unknown, unknown])[] = [];
    const watching: TextOf = (context, since) => (asked.push([context, since]), textOf(context, since));
    for (const way of ['left', 'right']) {
      const end = nextNode(middle ?? null, blockTokens, way);
      packHistory(end, watching);
      expect(end.items.isLoose).toBe(false);
      expect(asked.splice(0)).toEqual([[end.context, middle?.context]]);
      expect(end.items.input).toEqual([user(way)]);
    }
    expect(trunk.map(({ items }) => items.input)).toEqual(before);
  });

  it('has the newest node of a block stand for those before it, back to its root or the last block', () => {
    const tokens = 2 * blockTokens;
    const nodes = grow(12, tokens / 2);
    const [root] = nodes;
    const ends = [...chainBack(nodes.at(-1) ?? null)].toReversed();
    expect(ends[0]).toBe(root);
    expect(ends.length).toBeLessThan(nodes.length);
    expect(ends.flatMap(({ items }) => [...items.input, ...items.output])).toEqual(
      nodes.flatMap(() => [user('Why?'), answer('Because.')]),
    );
  });

  it('leaves a node that stands inside a block to whoever holds it, context and all', () => {
    const nodes = grow(40, 1024);
    const inner = nodes.find((node) => node.parent !== null && !chainBack(nodes.at(-1) ?? null).includes(node));
    expect(inner?.items.input).toEqual([user('Why?')]);
    const fork = nextNode(inner ?? null, 1);
    expect(fork.parent?.context).toBe(inner?.context);
    expect(chainBack(fork)).toHaveLength(nodes.indexOf(inner as ChainNode) + 2);
  });

  it.each<[string, (node: ChainNode) => ChainNode]>([
    ['stored nodes, which are deleted by their ids', (node) => ({ ...node, stored: true })],
    ['nodes of several models, which sealed items are bound to', (node) => ({ ...node, model: node.id })],
  ])('packs but does not join %s', (_name, change) => {
    const nodes: ChainNode[] = [];
    for (let turn = 0; turn < 40; turn++) {
      const node = change(nextNode(nodes.at(-1) ?? null, 1024, `${turn}`));
      packHistory(node, textOf);
      nodes.push(node);
    }
    expect(packed(nodes)).toBeGreaterThan(0);
    expect(chainBack(nodes.at(-1) ?? null)).toEqual(nodes.toReversed());
  });

  it('begins anew with a compaction, and is short again', () => {
    const [old] = grow(1, 100_000);
    const compaction: OutputItem = { type: 'compaction', id: 'cmp_1', encrypted_content: 'sealed' };
    const source = { id: 'resp', project: 'p', parent: old ?? null, stored: false, model: 'm', input: [] };
    const begun = createNode({ ...source, output: [compaction], tokens: 300 }, null);
    packHistory(begun, textOf);
    expect(begun.items.isLoose).toBe(true);
  });

  it('asks for no text of an engine that did not prepare what comes before', () => {
    const [old] = grow(1, 100_000);
    if (old?.context) old.context = { ...old.context, engine: 'other' };
    const next = nextNode(old ?? null, blockTokens);
    packHistory(next, () => expect.unreachable('No text lies between two engines.'));
    expect(next.items.input).toEqual([user('Why?')]);
  });
});

describe('those who read a whole chain', () => {
  const word = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'a', 'b'));
  const script = fc.array(fc.tuple(word, word, fc.integer({ min: 1, max: 3 * blockTokens })), {
    minLength: 1,
    maxLength: 12,
  });

  it('read of a packed one what they read of a loose one', async () => {
    await fc.assert(
      fc.asyncProperty(script, async (turns) => {
        let loose: ChainNode | null = null;
        let chain: ChainNode | null = null;
        for (const [question, words, tokens] of [...turns, ['last', 'word', unpackedTokens + blockTokens] as const]) {
          loose = nextNode(loose, tokens, question, words);
          chain = nextNode(chain, tokens, question, words);
          packHistory(chain, textOf);
        }
        expect(chain?.items.isLoose).toBe(false);
        for (const read of [keep, truncate, findAgain, switchEngine]) {
          expect(await read(chain)).toEqual(await read(loose));
        }
      }),
      { numRuns: 50 },
    );
  });
});

/** The last to read: it has the nodes forget what they were prepared for. */
function switchEngine(node: ChainNode | null): unknown {
  return contextOf(createEchoEngine().engine, node, open);
}

const sealer = new Sealer(new SealingKeys({ given: [Buffer.alloc(32, 7).toString('base64')], path: '/nowhere' }));

function keep(node: ChainNode | null): unknown {
  const binding = { project: 'p', model: 'm' };
  return keptMessages(sealer, { binding, parent: node, input: [], openCalls: noOpenCalls }, 32 * 1024);
}

/** What is left for an engine that takes half of a history at most. */
async function truncate(node: ChainNode | null): Promise<unknown> {
  const { engine } = createEchoEngine();
  let refused = false;
  const picky: Engine = {
    ...engine,
    async *generate() {
      if (refused) return;
      refused = true;
      throw errors.contextLengthExceeded(1, 2);
    },
  };
  const input = [user('And now?')];
  const truncation = new Truncation({
    engine: picky,
    generation: toGeneration(null as never),
    parent: node,
    input,
    open,
  });
  for await (const _ of truncation.generate(new AbortController().signal)) expect.unreachable('Nothing is generated.');
  return truncation.context;
}

function findAgain(node: ChainNode | null): unknown {
  const items: Item[] = [];
  const nodes: ChainNode[] = [];
  for (let at = node; at; at = at.parent) {
    items.unshift(...at.items.input, ...at.items.output);
    nodes.push(at);
  }
  return SentHistory.of([...items, user('more')])?.find({ nodes, engine: 'chat', open })?.count;
}
