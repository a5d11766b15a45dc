import fc from 'fast-check';
import type { Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { extendContext } from '../../../src/engine/token-chain/context.ts';
import type { Encoding, TokenContext } from '../../../src/engine/token-chain/context.ts';
import { toOutputSignature } from '../../../src/engine/chat-template/signature.ts';
import { sharedTokens, spanLength, spanTokensFrom } from '../../../src/engine/token-chain/span.ts';
import type { Span } from '../../../src/engine/token-chain/span.ts';
import { block, encoding, grow, say, span, textOf, tokensOf } from './chains.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
const preambles = ['', 'ab', 'aba'].map(block);

/** A forest of chains: each new piece goes behind one that is there, or starts a chain. */
const seeds = fc.array(fc.record({ parent: fc.nat(), text: word }), { minLength: 1, maxLength: 12 });
type Seeds = readonly { readonly parent: number; readonly text: string }[];

/** Spans over a forest, by the number of their context. */
const choice = fc.record({ preamble: fc.constantFrom(...preambles), context: fc.nat(), tail: word });
type Choice = typeof choice extends fc.Arbitrary<infer Value> ? Value : never;

async function toSpans(forest: Seeds, choices: readonly Choice[]): Promise<Span[]> {
  const contexts: (TokenContext | null)[] = [null];
  const at = (index: number): TokenContext | null => contexts[index % contexts.length] ?? null;
  for (const { parent, text } of forest) contexts.push(await grow(at(parent), text));
  return choices.map(({ preamble, context, tail }) => span(preamble, at(context), tail));
}

describe('spans', () => {
  it('share exactly their common prefix where their preambles are one', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, choice, choice, async (forest, one, other) => {
        const [a, b] = await toSpans(forest, [one, other]);
        if (a === undefined || b === undefined) throw new Error('Two spans were expected.');
        const [left, right] = [textOf(a), textOf(b)];
        let common = 0;
        while (common < left.length && common < right.length && left[common] === right[common]) common += 1;
        const shared = sharedTokens(a, b);
        expect(shared).toBeLessThanOrEqual(common);
        expect(a.preamble === b.preamble ? shared : common).toBe(common);
      }),
      { numRuns: 500 },
    );
  });

  it('give their tokens from any index', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, choice, fc.nat(40), async (forest, one, from) => {
        const [some] = await toSpans(forest, [one]);
        if (some === undefined) throw new Error('A span was expected.');
        const text = textOf(some);
        expect(spanLength(some)).toBe(text.length);
        const start = Math.min(from, text.length);
        expect(String.fromCharCode(...spanTokensFrom(some, start))).toBe(text.slice(start));
      }),
      { numRuns: 300 },
    );
  });
});

describe('contexts', () => {
  it('encode each piece once, however many turns follow', async () => {
    const encoded: string[] = [];
    const counting: Encoding = {
      encode(messages, before) {
        encoded.push(...messages.map((message) => message.content));
        return encoding.encode(messages, before);
      },
    };
    let context: TokenContext | null = null;
    for (let turn = 0; turn < 50; turn += 1) {
      context = extendContext(context, [say(`turn ${turn}`)]);
      await context.prepare(counting);
    }
    expect(encoded).toHaveLength(50);
    expect(new Set(encoded).size).toBe(50);
  });

  it('keep what a model wrote as the tokens that it wrote', async () => {
    const turn = await grow(null, 'question');
    const answer: Item = { type: 'message', role: 'assistant', content: 'answer' };
    turn.remember([{ encoding, tokens: tokensOf('<raw answer>'), signature: toOutputSignature([answer]) }]);
    const after = extendContext(turn, [answer]);
    await after.prepare(encoding);
    expect(after.tokens).toEqual(tokensOf('<raw answer>'));
    const edited = extendContext(turn, [{ type: 'message', role: 'assistant', content: 'another' }]);
    await edited.prepare(encoding);
    expect(edited.tokens).toEqual(tokensOf('another'));
  });

  it('know when a piece cannot be told on its own, and so do those behind it', async () => {
    const first = await grow(null, 'one');
    const second = extendContext(first, [say('two')]);
    const refused: string[] = [];
    const refusing: Encoding = {
      async encode(messages, before) {
        if (before === null) return encoding.encode(messages, before);
        refused.push(before.content);
        return null;
      },
    };
    expect(await second.prepare(refusing)).toBe(false);
    expect(refused).toEqual(['one']);
    expect(await extendContext(second, [say('three')]).prepare(refusing)).toBe(false);
    expect(refused).toEqual(['one']);
    expect(await first.prepare(refusing)).toBe(true);
  });

  it('are encoded again for another vocabulary, raw outputs too', async () => {
    const turn = await grow(null, 'question');
    const answer: Item = { type: 'message', role: 'assistant', content: 'answer' };
    turn.remember([{ encoding, tokens: tokensOf('<raw answer>'), signature: toOutputSignature([answer]) }]);
    const after = extendContext(turn, [answer]);
    const other: Encoding = {
      encode: async (messages) => messages.flatMap(({ content }) => tokensOf(content.toUpperCase())),
    };
    expect(await after.prepare(other)).toBe(true);
    expect(textOf(span(block(''), after, ''))).toBe('QUESTIONANSWER');
    await after.prepare(encoding);
    expect(textOf(span(block(''), after, ''))).toBe('question<raw answer>');
  });

  it('are not cut between two tool results', async () => {
    const first = extendContext(await grow(null, 'go'), [{ type: 'function_call_output', call_id: 'a', output: '1' }]);
    const second = extendContext(first, [{ type: 'function_call_output', call_id: 'b', output: '2' }]);
    expect(second.parent).toBe(first.parent);
    expect(second.messages.map((message) => message.content)).toEqual(['1', '2']);
  });

  it('put the system messages that a chain begins with in front', async () => {
    const root = extendContext(null, [{ type: 'message', role: 'developer', content: 'rules' }, say('hi')]);
    const later = extendContext(root, [{ type: 'message', role: 'developer', content: 'more' }]);
    expect(root.lead.map((message) => message.content)).toEqual(['rules']);
    expect(root.messages.map((message) => message.role)).toEqual(['user']);
    expect(later.lead).toBe(root.lead);
    expect(later.messages.map((message) => message.role)).toEqual(['system']);
  });

  it('are abandoned when nobody can go on from them', async () => {
    const root = await grow(null, 'a');
    const [left, right] = [await grow(root, 'b'), await grow(root, 'c')];
    root.release();
    left.release();
    left.release();
    expect([root.isAbandoned, left.isAbandoned, right.isAbandoned]).toEqual([false, true, false]);
    right.release();
    expect([root.isAbandoned, right.isAbandoned]).toEqual([true, true]);
  });
});
