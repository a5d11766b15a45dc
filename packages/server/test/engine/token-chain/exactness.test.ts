/** Delta encoding against a full encode, token by token, on every turn of the workloads (performance dossier, G13). */
import { fileURLToPath } from 'node:url';
import { resolveSettings } from '@longwire/protocol';
import type { Item, Tool } from '@longwire/protocol';
import { LlamaLogLevel, getLlama } from 'node-llama-cpp';
import type { Llama } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChatTemplate } from '../../../src/engine/chat-template/template.ts';
import type { ChatTemplate } from '../../../src/engine/chat-template/template.ts';
import type { Vocabulary } from '../../../src/engine/chat-template/tokenizer.ts';
import { toChatTools } from '../../../src/engine/chat-template/tools.ts';
import { tinyDemo } from '../../../src/engine/llama/demo.ts';
import { readWorkload } from '../../../src/engine/scripted/workload.ts';
import { allMessages, extendContext } from '../../../src/engine/token-chain/context.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import { PromptBuilder } from '../../../src/engine/token-chain/prompt.ts';
import { spanTokensFrom } from '../../../src/engine/token-chain/span.ts';
import { weatherTool } from './turns.ts';

let llama: Llama;
let vocabulary: Vocabulary;
let own: string;
/** Characters that were encoded. */
let encoded = 0;

beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: tinyDemo.modelPath, vocabOnly: true });
  own = model.fileInfo.metadata.tokenizer.chat_template ?? '';
  vocabulary = {
    tokenize: (text, parsesControl) => {
      encoded += text.length;
      return model.tokenize(text, parsesControl);
    },
    controlTexts: ['<|im_start|>', '<|im_end|>', '<|endoftext|>'],
    bos: '<|endoftext|>',
    eos: '<|im_end|>',
    needsBos: false,
  };
});
afterAll(() => llama.dispose());

interface Rollout {
  readonly instructions: string;
  readonly tools: readonly Tool[];
  readonly turns: readonly { readonly input: readonly Item[]; readonly output: readonly Item[] }[];
}

const airline = (): Rollout =>
  readWorkload(fileURLToPath(new URL('../../../src/workloads/airline-27.jsonl', import.meta.url)));

const scraps = [
  '{"a": [1, 2]}',
  '  \n\n',
  'é🎉中文',
  '<|im_end|>',
  'const x = y ?? <T>z;',
  '\t\t}',
  'Oslo',
  '</tool_call>',
  "it's 7.5%",
];

/** A coding rollout: mostly tool calls, one or several at once, now and then a user; texts as awkward as they come. */
function generate(turnCount: number, seed: number): Rollout {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const text = (most: number): string =>
    Array.from({ length: 1 + random(most) }, () => scraps[random(scraps.length)]).join(random(2) ? ' ' : '');
  let open: string[] = [];
  const turns = Array.from({ length: turnCount }, (_, turn) => {
    const input: Item[] = open.map((call_id) => ({ type: 'function_call_output', call_id, output: text(30) }));
    if (open.length === 0 || random(5) === 0) input.push({ type: 'message', role: 'user', content: text(10) });
    if (turn % 9 === 8) input.push({ type: 'message', role: 'developer', content: text(4) });
    open = Array.from({ length: random(4) }, (__, index) => `call_${turn}_${index}`);
    const output: Item[] =
      random(3) || open.length === 0 ? [{ type: 'message', role: 'assistant', content: text(8) }] : [];
    for (const call_id of open)
      output.push({
        type: 'function_call',
        call_id,
        name: 'get_weather',
        arguments: JSON.stringify({ city: text(3) }),
      });
    return { input, output };
  });
  return { instructions: 'Be kind.\n', tools: [weatherTool], turns };
}

const chatMl = `{%- if tools %}{{- '<|im_start|>system\\n' + (messages[0].content if messages[0].role == 'system' else '') + (tools | tojson) + '<|im_end|>\\n' }}{%- endif %}{%- for m in messages %}{%- if not (tools and loop.first and m.role == 'system') %}{{- '<|im_start|>' + m.role + '\\n' + m.content }}{%- for c in m.tool_calls or [] %}{{- '<tool_call>\\n' + (c | tojson) + '\\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;
/** No control tokens at all: every seam is one that a merge could cross. */
const plain = `{%- for m in messages %}{{- m.role + ': ' + m.content + '\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- 'assistant:' }}{%- endif %}`;

/** Walks a rollout as turns do, and compares each prompt with a full encode. Answers with the turns that were made of pieces. */
async function walk(template: ChatTemplate, { instructions, tools, turns }: Rollout): Promise<number> {
  const prompts = new PromptBuilder(template, Number.MAX_SAFE_INTEGER);
  const variables = { tools: toChatTools(tools), toolChoice: null, thinking: true };
  let context: TokenContext | null = null;
  let inPieces = 0;
  for (const { input, output } of turns) {
    context = extendContext(context, input);
    const requested = { input: [] };
    const request = {
      context,
      model: 'm',
      preamble: { instructions, tools },
      settings: resolveSettings(requested),
      requested,
      project: 'default',
      responseId: 'resp_test',
    };
    const { span } = await prompts.build(request, true);
    const whole = await template.full(instructions, [...context.lead, ...allMessages(context)], variables, true);
    expect(spanTokensFrom(span, 0)).toEqual(whole);
    if (span.context !== null) inPieces += 1;
    context = extendContext(context, output);
  }
  return inPieces;
}

describe('delta encoding', () => {
  it.each([
    ['airline-27', airline],
    ['a coding rollout of 60 turns', () => generate(60, 1)],
    ['another one', () => generate(60, 2)],
  ])('gives the tokens of a full encode on every turn of %s', async (_, rollout) => {
    for (const source of [own, chatMl]) {
      const template = await createChatTemplate(source, vocabulary);
      expect(template.isConcatenative).toBe(true);
      expect(await walk(template, rollout())).toBe(rollout().turns.length);
    }
  });

  it('is right where the seams are no control tokens, and merges might cross them', async () => {
    expect(await walk(await createChatTemplate(plain, vocabulary), generate(40, 3))).toBe(40);
  });

  it('notices where a template looks further than the probes could see, and renders in full from there on', async () => {
    const peeking = chatMl.replace(
      '+ m.content }}',
      "+ ('(asked) ' if m.content == 'PLEASE' and not loop.last and messages[loop.index0 + 1].role == 'user' else '') + m.content }}",
    );
    const looksAhead = await createChatTemplate(peeking, vocabulary);
    expect(looksAhead.isConcatenative).toBe(true);
    const say = (content: string): Item => ({ type: 'message', role: 'user', content });
    const turns = ['One', 'PLEASE', 'Two', 'Three'].map((content) => ({ input: [say(content)], output: [] }));
    expect(await walk(looksAhead, { instructions: '', tools: [], turns })).toBe(2);
  });

  it('encodes what is new, whatever the length of the chain', async () => {
    const template = await createChatTemplate(own, vocabulary);
    const { turns } = generate(200, 4);
    const prompts = new PromptBuilder(template, Number.MAX_SAFE_INTEGER);
    let context: TokenContext | null = null;
    let items = 0;
    encoded = 0;
    for (const { input, output } of turns) {
      context = extendContext(context, input);
      const requested = { input: [] };
      const settings = resolveSettings(requested);
      const preamble = { instructions: null, tools: [] };
      await prompts.build(
        { context, model: 'm', preamble, settings, requested, project: 'default', responseId: 'r' },
        true,
      );
      context = extendContext(context, output);
      items += JSON.stringify([input, output]).length;
    }
    expect(encoded).toBeLessThan(2 * items);
  });
});
