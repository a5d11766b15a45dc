/** Delta encoding against a full encode, token by token, on every turn of the workloads (performance dossier, G13). */
import { fileURLToPath } from 'node:url';
import { resolveSettings } from '@longwire/protocol';
import type { Item, Tool } from '@longwire/protocol';
import { LlamaLogLevel, getLlama } from 'node-llama-cpp';
import fc from 'fast-check';
import type { Llama } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoundRule } from '../../../src/engine/chat-template/rounds.ts';
import type { GenerateRequest } from '../../../src/engine/engine.ts';
import { createChatTemplate } from '../../../src/engine/chat-template/template.ts';
import type { ChatTemplate } from '../../../src/engine/chat-template/template.ts';
import type { Vocabulary } from '../../../src/engine/chat-template/tokenizer.ts';
import { toChatTools } from '../../../src/engine/chat-template/tools.ts';
import { tinyDemo } from '../../../src/engine/llama/demo.ts';
import { readWorkload } from '../../../src/engine/scripted/workload.ts';
import { allMessages, extendContext } from '../../../src/engine/token-chain/context.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import { PromptBuilder } from '../../../src/engine/token-chain/prompt.ts';
import { sharedTokens, spanTokensFrom } from '../../../src/engine/token-chain/span.ts';
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

/** What templates differ in taking. */
interface Manner {
  /** Questions only behind answers, and no developer among them. */
  readonly isOrderly?: boolean;
  readonly thinks?: boolean;
}

/** A coding rollout: mostly tool calls, one or several at once, now and then a user; texts as awkward as they come. */
function generate(turnCount: number, seed: number, { isOrderly = false, thinks = false }: Manner = {}): Rollout {
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
    const interrupts = random(5) === 0 && !isOrderly;
    if (open.length === 0 || interrupts) input.push({ type: 'message', role: 'user', content: text(10) });
    if (turn % 9 === 8 && !isOrderly) input.push({ type: 'message', role: 'developer', content: text(4) });
    open = Array.from({ length: random(4) }, (__, index) => `call_${turn}_${index}`);
    const output: Item[] = [];
    if (thinks && random(3)) output.push({ type: 'reasoning', content: [{ type: 'reasoning_text', text: text(5) }] });
    if (random(3) || open.length === 0) output.push({ type: 'message', role: 'assistant', content: text(8) });
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

/** Written for these tests, in the manner of templates that write old turns otherwise than the current one. */
const reasoning = `{%- if m.reasoning_content %}{{- '<think>\\n' + m.reasoning_content + '\\n</think>\\n\\n' }}{%- endif %}`;
const calls = `{%- for c in m.tool_calls or [] %}{{- '<tool_call>\\n{"name": "' + c.function.name + '", "arguments": ' + c.function.arguments + '}\\n</tool_call>' }}{%- endfor %}`;
const toolList = `{{- '<|im_start|>system\\n' + (messages[0].content if messages[0].role == 'system' else '') + (tools | tojson if tools else '') + '<|im_end|>\\n' }}`;
const ending = `{{- '<|im_end|>\\n' }}{%- endif %}{%- endfor %}`;
const roundwise: Record<string, { source: string; rule: RoundRule; manner: Manner }> = {
  'forgets the reasoning in front of the last question, and shows an empty one in the last message': {
    source:
      toolList +
      `{%- set ns = namespace(last=-1) %}{%- for m in messages %}{%- if m.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}` +
      `{%- for m in messages %}{%- if not (loop.first and m.role == 'system') %}{{- '<|im_start|>' + m.role + '\\n' }}` +
      `{%- if loop.index0 > ns.last %}${reasoning}{%- if loop.last and m.role == 'assistant' and not m.reasoning_content %}{{- '<think></think>' }}{%- endif %}{%- endif %}` +
      `{{- m.content }}${calls}${ending}` +
      `{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`,
    rule: { endsAt: 'user', isBound: false },
    manner: { thinks: true },
  },
  'forgets the words in front of a call once an answer follows, and names the caller in its results': {
    source:
      toolList +
      `{%- set ns = namespace(name='') %}{%- for m in messages %}{%- if not (loop.first and m.role == 'system') %}` +
      `{%- if m.tool_calls %}{%- set f = namespace(found=false) %}{%- for n in messages[loop.index:] %}{%- if n.role == 'assistant' and not n.tool_calls %}{%- set f.found = true %}{%- endif %}{%- endfor %}` +
      `{%- if m.content and not f.found %}{{- '<|im_start|>analysis\\n' + m.content + '<|im_end|>' }}{%- endif %}{%- set ns.name = m.tool_calls[0].function.name %}{{- '<|im_start|>assistant' }}${calls}` +
      `{%- elif m.role == 'tool' %}{{- '<|im_start|>' + ns.name + '\\n' + m.content }}` +
      `{%- else %}{{- '<|im_start|>' + m.role + '\\n' + m.content }}{%- endif %}` +
      `{{- '<|endoftext|>' if loop.last and m.role == 'assistant' and not add_generation_prompt else '<|im_end|>\\n' }}{%- endif %}{%- endfor %}` +
      `{%- if add_generation_prompt %}{{- '<|im_start|>' }}{%- endif %}`,
    rule: { endsAt: 'answer', isBound: false },
    manner: { thinks: true },
  },
  'opens an answer behind a question only': {
    source:
      toolList +
      `{%- set ns = namespace(asked=false) %}{%- for m in messages %}{%- if not (loop.first and m.role == 'system') %}` +
      `{%- if m.role == 'assistant' %}{{- '<|im_start|>assistant\\n' if ns.asked else '' }}{{- m.content }}${calls}{{- '<|im_end|>' }}` +
      `{%- else %}{{- '<|im_start|>' + m.role + '\\n' + m.content }}{%- endif %}{%- set ns.asked = m.role == 'user' %}{%- endif %}{%- endfor %}` +
      `{%- if add_generation_prompt and ns.asked %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`,
    rule: { endsAt: 'never', isBound: false },
    manner: {},
  },
  'shows the tools in front of the last question, with the system prompt while nothing follows it': {
    source:
      `{{- '<|endoftext|>' }}{%- set ns = namespace(last=-1, system='') %}{%- for m in messages %}{%- if m.role == 'user' %}` +
      `{%- if not loop.first and messages[loop.index0 - 1].role == 'user' %}{{- raise_exception('alternate') }}{%- endif %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}` +
      `{%- for m in messages %}{%- if m.role == 'system' %}{%- if not loop.first %}{{- raise_exception('late') }}{%- endif %}{%- set ns.system = m.content %}{%- else %}` +
      `{%- if loop.index0 == ns.last and tools %}{{- '<|im_start|>tools\\n' + (tools | tojson) + '<|im_end|>' }}{%- endif %}` +
      `{{- '<|im_start|>' + m.role + '\\n' }}{%- if loop.last and m.role == 'user' %}{{- ns.system }}{%- endif %}{{- m.content }}${calls}${ending}`,
    rule: { endsAt: 'answer', isBound: true },
    manner: { isOrderly: true },
  },
};

function requestOf(context: TokenContext, instructions: string, tools: readonly Tool[]): GenerateRequest<TokenContext> {
  const requested = { input: [] };
  const settings = resolveSettings(requested);
  const preamble = { instructions, tools };
  return { context, project: 'default', model: 'm', preamble, settings, requested, responseId: 'resp_test' };
}

/** Walks a rollout as turns do, and compares each prompt with a full encode. Answers with the turns that were made of pieces. */
async function walk(template: ChatTemplate, { instructions, tools, turns }: Rollout): Promise<number> {
  const prompts = new PromptBuilder(template, Number.MAX_SAFE_INTEGER);
  const variables = { tools: toChatTools(tools), toolChoice: null, thinking: true };
  let context: TokenContext | null = null;
  let inPieces = 0;
  for (const { input, output } of turns) {
    context = extendContext(context, input);
    const { span } = await prompts.build(requestOf(context, instructions, tools), true);
    const whole = await template.full(instructions, [...context.lead, ...allMessages(context)], variables, true);
    const tokens = spanTokensFrom(span, 0);
    const differsAt = whole.findIndex((token, index) => token !== tokens[index]);
    expect({ differsAt, length: tokens.length }).toEqual({ differsAt: -1, length: whole.length });
    if (span.run !== null) inPieces += 1;
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
    expect(await encodedBy(template, generate(200, 4))).toBeLessThan(2);
  });
});

describe.each(Object.entries(roundwise))('a template that %s', (_, { source, rule, manner }) => {
  it('is written by rounds', async () => {
    const template = await createChatTemplate(source, vocabulary);
    expect(template.isConcatenative).toBe(false);
    expect(template.rounds?.rule).toEqual(rule);
  });

  it('gives the tokens of a full encode on every turn, and is never rendered in full', async () => {
    const template = await createChatTemplate(source, vocabulary);
    for (const rollout of [airline(), generate(40, 1, manner)]) {
      expect(await walk(template, rollout)).toBe(rollout.turns.length);
    }
  });

  it('does so in conversations of any shape', async () => {
    const template = await createChatTemplate(source, vocabulary);
    const shapes = fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 16 }), async (seed, turns) => {
      expect(await walk(template, generate(turns, seed, manner))).toBe(turns);
    });
    await fc.assert(shapes, { numRuns: 12 });
  });

  it('encodes what is new, whatever the length of the chain', async () => {
    const template = await createChatTemplate(source, vocabulary);
    for (const turns of [50, 150]) expect(await encodedBy(template, generate(turns, 4, manner))).toBeLessThan(4);
  });
});

describe('a template that is written by rounds', () => {
  const { source } = Object.values(roundwise)[0] ?? { source: '' };
  const say = (role: 'user' | 'assistant', content: string): Item => ({ type: 'message', role, content });
  const think = (text: string): Item => ({ type: 'reasoning', content: [{ type: 'reasoning_text', text }] });

  it('is rendered in full where words make a question none, from there on', async () => {
    const template = await createChatTemplate(
      source.replace("{%- if m.role == 'user' %}", "{%- if m.role == 'user' and m.content != 'PSST' %}"),
      vocabulary,
    );
    expect(template.rounds).not.toBeNull();
    const turns = ['One', 'PSST', 'Two'].map((content) => ({
      input: [say('user', content)],
      output: [think('Hm.'), say('assistant', 'Yes.')],
    }));
    expect(await walk(template, { instructions: '', tools: [], turns })).toBe(1);
  });

  it('forks, and forgets nothing of the other way', async () => {
    const template = await createChatTemplate(source, vocabulary);
    const prompts = new PromptBuilder(template, Number.MAX_SAFE_INTEGER);
    const asked = extendContext(null, [say('user', 'Hi')]);
    const told = extendContext(asked, [think('Hm.'), say('assistant', 'Yes.')]);
    const ways = ['Left?', 'Right?'].map((content) => extendContext(told, [say('user', content)]));
    for (const context of [asked, ...ways, asked, ...ways]) {
      const { span } = await prompts.build(requestOf(context, '', []), true);
      const variables = { tools: [], toolChoice: null, thinking: true };
      expect(spanTokensFrom(span, 0)).toEqual(await template.full('', allMessages(context), variables, true));
      expect(span.run).not.toBeNull();
    }
    const [left, right] = await Promise.all(ways.map((context) => prompts.build(requestOf(context, '', []), true)));
    expect(left && right && sharedTokens(left.span, right.span)).toBeGreaterThan(8);
    expect(prompts.renderedInFull).toBe(0);
  });
});

/** Characters encoded in a rollout for each character that its items say. */
async function encodedBy(template: ChatTemplate, { tools, turns }: Rollout): Promise<number> {
  const prompts = new PromptBuilder(template, Number.MAX_SAFE_INTEGER);
  let context: TokenContext | null = null;
  const before = encoded;
  for (const { input, output } of turns) {
    context = extendContext(context, input);
    await prompts.build(requestOf(context, '', tools), true);
    context = extendContext(context, output);
  }
  return (encoded - before) / JSON.stringify(turns).length;
}
