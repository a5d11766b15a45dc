/** vLLM's wire, as its sources of 2026 document it (`entrypoints/openai/completion`, `entrypoints/serve/tokenize`). */
import { endOfTurn, tokenizerConfig } from '../token-server/characters.ts';
import type { Answer, Body, Dialect } from '../token-server/fake-prefix-server.ts';

export const vllmDialect: Dialect = {
  path: '/v1/completions',
  promptOf: (body) => body['prompt'] as number[],
  limitOf: (body) => Number(body['max_tokens']),
  ruleOf({ response_format: format, structured_outputs: outputs }) {
    const schema = (format as { json_schema: { schema: unknown } } | undefined)?.json_schema.schema ?? null;
    return { schema, grammar: (outputs as Body | undefined)?.['grammar'] ?? null };
  },
  answerTo: (path) => (path === '/tokenizer_info' ? tokenizerConfig : undefined),
  *events({ body, prompt, reads, cached, isCut }: Answer) {
    const common = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'fake' };
    const top = body['logprobs'];
    let count = 0;
    for (const [index, { ids, text }] of reads.entries()) {
      const isLast = index === reads.length - 1;
      count += ids.length;
      const choice = {
        index: 0,
        text,
        logprobs: typeof top === 'number' ? toLogprobs(ids, text, top) : null,
        finish_reason: isLast ? (isCut ? 'length' : 'stop') : null,
        stop_reason: null,
        ...(index === 0 ? { prompt_token_ids: prompt } : {}),
        token_ids: ids,
      };
      yield { ...common, choices: [choice] };
    }
    const usage = {
      prompt_tokens: prompt.length,
      completion_tokens: count,
      total_tokens: prompt.length + count,
      prompt_tokens_details: { cached_tokens: cached },
    };
    yield { ...common, choices: [], usage };
  },
};

/** The chosen token comes first among its alternatives, whose number is one more than asked for. */
function toLogprobs(ids: readonly number[], text: string, top: number): unknown {
  const tokens = ids.map((id) => (id === endOfTurn ? '<|im_end|>' : text));
  const alternatives = { [text]: -0.5, ...(top > 0 ? { other: -1.5 } : {}) };
  return {
    text_offset: ids.map(() => 0),
    tokens,
    token_logprobs: ids.map(() => -0.5),
    top_logprobs: ids.map(() => alternatives),
  };
}
