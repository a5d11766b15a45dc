/** A workload of one long answer: for what an event costs. */
import type { Item, OutputItem } from '@longwire/protocol';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';

/** One turn whose answer is `tokens` deltas of four bytes. */
export function createStream(name: string, tokens: number): Rollout {
  const chunks = Array.from({ length: tokens }, () => 'word');
  const content = [{ type: 'output_text', text: chunks.join(''), annotations: [], logprobs: [] }];
  const output = { type: 'message', id: '', status: 'completed', role: 'assistant', content } as unknown as OutputItem;
  const input = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Go.' }] } as Item;
  const turn = {
    input: [input],
    output: [output],
    chunks: [chunks],
    contextTokens: 10,
    newTokens: 10,
    outputTokens: tokens,
  };
  return { name, instructions: '', tools: [], turns: [turn], gapsMs: [0] };
}
