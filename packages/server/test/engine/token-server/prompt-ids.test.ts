import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import { spanTokensFrom } from '../../../src/engine/token-chain/span.ts';
import { toBody } from '../../../src/engine/token-server/prompt-ids.ts';
import { block, grow, span } from '../token-chain/chains.ts';

it('writes the ids of every prompt of a tree of chains, whatever was written before', async () => {
  const text = fc.string({ maxLength: 6 });
  const step = fc.record({
    from: fc.nat(),
    grows: text,
    preamble: fc.constantFrom('', 'Be kind.', 'Rules'),
    tail: text,
  });
  const blocks = new Map(['', 'Be kind.', 'Rules'].map((words) => [words, block(words)]));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
      const contexts: (TokenContext | null)[] = [null];
      for (const { from, grows, preamble, tail } of steps) {
        const context = await grow(contexts[from % contexts.length] ?? null, grows);
        contexts.push(context);
        const prompt = span(blocks.get(preamble) ?? block(preamble), context, tail);
        const body = Buffer.concat(toBody({ n: 1 }, 'prompt', prompt)).toString();
        expect(JSON.parse(body)).toEqual({ n: 1, prompt: spanTokensFrom(prompt, 0) });
      }
    }),
  );
});

it('hands a long chain over in pages, not in pieces', async () => {
  let context = await grow(null, 'Hi');
  for (let turn = 0; turn < 500; turn += 1) context = await grow(context, `turn ${turn}`);
  expect(toBody({}, 'prompt', span(block('Rules'), context, '?')).length).toBeLessThan(20);
});
