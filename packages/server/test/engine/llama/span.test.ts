import fc from 'fast-check';
import type { Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { extendContext } from '../../../src/engine/llama/context.ts';
import type { LlamaContext } from '../../../src/engine/llama/context.ts';
import { toOutputSignature } from '../../../src/engine/llama/signature.ts';
import { sharedTokens, spanLength, spanTokensFrom } from '../../../src/engine/llama/span.ts';
import type { Span } from '../../../src/engine/llama/span.ts';
import { block, encode, grow, say, span, textOf, tokensOf } from './chains.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
const preambles = ['', 'ab', 'aba'].map(block);

/** A forest of chains: each new piece goes behind one that is there, or starts a chain. */
const forest = fc.array(fc.record({ parent: fc.nat(), text: word }), { minLength: 1, maxLength: 12 }).map((seeds) => {
  const contexts: (LlamaContext | null)[] = [null];
  for (const { parent, text } of seeds) contexts.push(grow(contexts[parent % contexts.length] ?? null, text));
  return contexts;
});

const someSpan = (contexts: readonly (LlamaContext | null)[]): fc.Arbitrary<Span> =>
  fc
    .record({ preamble: fc.constantFrom(...preambles), context: fc.constantFrom(...contexts), tail: word })
    .map(({ preamble, context, tail }) => span(preamble, context, tail));

describe('spans', () => {
  it('share exactly their common prefix where their preambles are one', () => {
    const pairs = forest.chain((contexts) => fc.tuple(someSpan(contexts), someSpan(contexts)));
    fc.assert(
      fc.property(pairs, ([a, b]) => {
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

  it('give their tokens from any index', () => {
    const cases = forest.chain((contexts) => fc.tuple(someSpan(contexts), fc.nat(40)));
    fc.assert(
      fc.property(cases, ([some, from]) => {
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
  it('encode each piece once, however many turns follow', () => {
    const encoded: string[] = [];
    let context: LlamaContext | null = null;
    for (let turn = 0; turn < 50; turn += 1) {
      context = extendContext(context, [say(`turn ${turn}`)]);
      context.prepare((messages) => {
        encoded.push(...messages.map((message) => message.content));
        return encode(messages);
      });
    }
    expect(encoded).toHaveLength(50);
    expect(new Set(encoded).size).toBe(50);
  });

  it('keep what a model wrote as the tokens that it wrote', () => {
    const turn = grow(null, 'question');
    const answer: Item = { type: 'message', role: 'assistant', content: 'answer' };
    turn.remember({ tokens: tokensOf('<raw answer>'), signature: toOutputSignature([answer]) });
    const after = extendContext(turn, [answer]);
    after.prepare(encode);
    expect(after.tokens).toEqual(tokensOf('<raw answer>'));
    const edited = extendContext(turn, [{ type: 'message', role: 'assistant', content: 'another' }]);
    edited.prepare(encode);
    expect(edited.tokens).toEqual(tokensOf('another'));
  });

  it('are not cut between two tool results', () => {
    const first = extendContext(grow(null, 'go'), [{ type: 'function_call_output', call_id: 'a', output: '1' }]);
    const second = extendContext(first, [{ type: 'function_call_output', call_id: 'b', output: '2' }]);
    expect(second.parent).toBe(first.parent);
    expect(second.messages.map((message) => message.content)).toEqual(['1', '2']);
  });

  it('put the system messages that a chain begins with in front', () => {
    const root = extendContext(null, [{ type: 'message', role: 'developer', content: 'rules' }, say('hi')]);
    const later = extendContext(root, [{ type: 'message', role: 'developer', content: 'more' }]);
    expect(root.lead.map((message) => message.content)).toEqual(['rules']);
    expect(root.messages.map((message) => message.role)).toEqual(['user']);
    expect(later.lead).toBe(root.lead);
    expect(later.messages.map((message) => message.role)).toEqual(['system']);
  });

  it('are abandoned when nobody can go on from them', () => {
    const root = grow(null, 'a');
    const [left, right] = [grow(root, 'b'), grow(root, 'c')];
    root.release();
    left.release();
    left.release();
    expect([root.isAbandoned, left.isAbandoned, right.isAbandoned]).toEqual([false, true, false]);
    right.release();
    expect([root.isAbandoned, right.isAbandoned]).toEqual([true, true]);
  });
});
