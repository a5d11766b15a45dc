/** SGLang's wire, as its sources of 2026 document it (`managers/io_struct`, `managers/tokenizer_manager`). */
import type { Answer, Body, Dialect } from '../token-server/fake-prefix-server.ts';

/** How a version or a setting of the server speaks. */
type Style = 'cumulative' | 'incremental' | 'new ids, all text';

export interface SglangDialect extends Dialect {
  /** Ids of the answers that were stopped. */
  readonly stopped: string[];
}

export function createSglangDialect(style: Style = 'cumulative'): SglangDialect {
  const stopped: string[] = [];
  return {
    stopped,
    path: '/generate',
    promptOf: (body) => body['input_ids'] as number[],
    limitOf: (body) => Number((body['sampling_params'] as Body)['max_new_tokens']),
    ruleOf({ sampling_params: sampling }) {
      const { json_schema: schema, ebnf } = sampling as { json_schema?: string; ebnf?: string };
      return { schema: schema === undefined ? null : JSON.parse(schema), grammar: ebnf ?? null };
    },
    answerTo(path, body) {
      if (path === '/get_server_info') return { incremental_streaming_output: style === 'incremental' };
      if (path !== '/abort_request') return undefined;
      stopped.push(String(body['rid']));
      return {};
    },
    *events({ body, prompt, reads, cached, isCut }: Answer) {
      const ids: number[] = [];
      const logprobs: unknown[] = [];
      let text = '';
      for (const [index, read] of reads.entries()) {
        const isLast = index === reads.length - 1;
        const entries = read.ids.map((id) => [-0.5, id, read.text]);
        ids.push(...read.ids);
        logprobs.push(...entries);
        text += read.text;
        const isNew = style === 'incremental';
        const told = isNew ? entries : logprobs;
        const finish = isCut ? { type: 'length', length: ids.length } : { type: 'stop', matched: ids.at(-1) };
        yield {
          text: isNew ? read.text : text,
          output_ids: style === 'cumulative' ? ids : read.ids,
          meta_info: {
            id: body['rid'],
            finish_reason: isLast ? finish : null,
            prompt_tokens: prompt.length,
            completion_tokens: ids.length,
            cached_tokens: cached,
            ...(body['return_logprob'] === true
              ? { output_token_logprobs: told, output_top_logprobs: told.map((entry) => [entry]) }
              : {}),
          },
        };
      }
    },
  };
}
