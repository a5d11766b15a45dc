import type { Item, OutputItem } from '@longwire/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OpenNodeItems } from '../../src/chain/context.ts';
import { SentHistory, rememberDigest } from '../../src/chain/known-history.ts';
import { createNode, type ChainNode } from '../../src/chain/node.ts';

const open: OpenNodeItems = (_node, items) => ({ items, restarts: false });
const user = (content: string): Item => ({ type: 'message', role: 'user', content });
const answer = (content: string): OutputItem => ({
  type: 'message',
  id: `msg_${content}`,
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: content, annotations: [], logprobs: [] }],
});

/** A chain of one question and one answer a node; each context says how many items it covers. */
function chainOf(turns: readonly (readonly [string, string])[], parent: ChainNode | null = null): ChainNode[] {
  const nodes: ChainNode[] = [];
  let last = parent;
  for (const [question, words] of turns) {
    const behind = 2 + ((last?.context?.context as number | undefined) ?? 0);
    const context = { engine: 'e', context: behind, beforeOutput: behind - 1, isShortened: false };
    const input = [user(question)];
    const output = [answer(words)];
    last = createNode(
      { id: `resp_${behind}`, project: 'p', parent: last, stored: true, model: 'm', input, output },
      context,
    );
    nodes.push(last);
  }
  return nodes;
}

const flat = (turns: readonly (readonly [string, string])[]): Item[] =>
  turns.flatMap(([question, words]) => [user(question), answer(words)]);
const find = (items: readonly Item[], nodes: Iterable<ChainNode>, engine = 'e') =>
  SentHistory.of(items)?.find({ nodes, engine, open }) ?? null;

const word = fc.constantFrom('a', 'b', 'c', '');
const conversation = fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 8 });

it('finds the longest beginning that is known, and not one item more', () => {
  fc.assert(
    fc.property(conversation, conversation, (known, asked) => {
      const items = [...flat(asked), user('next')];
      let same = 0;
      const common = flat(known);
      while (same < common.length && JSON.stringify(items[same]) === JSON.stringify(common[same])) same += 1;
      const nodes = chainOf(known);
      const expected = same === 0 ? null : same;
      const found = find(items, nodes);
      expect(found?.count ?? null).toBe(expected);
      expect(found?.context ?? null).toBe(expected);
    }),
  );
});

it('looks at every fork', () => {
  const [root] = chainOf([['Hi', 'Yes']]);
  const nodes = ['left', 'right'].flatMap((way) => [...chainOf([[way, `${way}!`]], root)]);
  expect(
    find(
      [
        ...flat([
          ['Hi', 'Yes'],
          ['right', 'right!'],
        ]),
        user('?'),
      ],
      nodes,
    )?.count,
  ).toBe(4);
  expect(
    find(
      [
        ...flat([
          ['Hi', 'Yes'],
          ['left', 'no'],
        ]),
        user('?'),
      ],
      nodes,
    )?.count,
  ).toBe(3);
});

it('takes nothing that another engine prepared, and nothing that was shortened', () => {
  const turns = [['Hi', 'Yes']] as const;
  const nodes = chainOf(turns);
  const items = [...flat(turns), user('?')];
  expect(find(items, nodes)?.count).toBe(2);
  expect(find(items, nodes, 'other')).toBeNull();
  for (const node of nodes) if (node.context) node.context = { ...node.context, isShortened: true };
  expect(find(items, nodes)).toBeNull();
});

it('never cuts what a model said in one go', () => {
  const nodes = chainOf([['Hi', 'Yes']]);
  expect(find([...flat([['Hi', 'Yes']]), answer('And more.'), user('?')], nodes)?.count).toBe(1);
});

it('looks for nothing where no model has spoken', () => {
  expect(SentHistory.of([user('Hi'), user('Ho')])).toBeNull();
});

it('hashes a little at a time, the newest first, and gets to the end', () => {
  const turns = Array.from({ length: 2000 }, (_, turn) => [`q${turn}`, `a${turn}`] as const);
  const nodes = chainOf(turns).toReversed();
  const items = [...flat(turns), user('?')];
  const counts = Array.from({ length: 5 }, () => find(items, nodes)?.count ?? 0);
  expect(counts[0]).toBeLessThan(4000);
  expect(counts.at(-1)).toBe(4000);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
});

it('hashes no item of a history twice: the turn that was asked with it knows its digest', () => {
  const long = flat(Array.from({ length: 3000 }, (_, turn) => [`q${turn}`, `a${turn}`] as const));
  const input = [...long, user('?')];
  const sent = SentHistory.of(input);
  const context = { engine: 'e', context: 'behind', beforeOutput: 'before', isShortened: false };
  const output = [answer('Yes')];
  const node = createNode(
    { id: 'resp_1', project: 'p', parent: null, stored: true, model: 'm', input, output },
    context,
  );
  if (sent) rememberDigest(node, sent);
  const opened: (readonly Item[])[] = [];
  const watching: OpenNodeItems = (_node, items) => (opened.push(items), { items, restarts: false });
  const found = SentHistory.of([...input, ...output, user('!')])?.find({ nodes: [node], engine: 'e', open: watching });
  expect(found).toEqual({ context: 'behind', count: 6002 });
  expect(opened).toEqual([output]);
});
