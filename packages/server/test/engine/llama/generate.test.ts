import { resolveSettings } from '@longwire/protocol';
import type { Token } from '../../../src/engine/chat-template/tokenizer.ts';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../../src/engine/engine.ts';
import { hermes } from '../../../src/engine/chat-template/families/hermes.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import { generate, warm } from '../../../src/engine/llama/generate.ts';
import type { GenerationOptions, Generator } from '../../../src/engine/llama/generate.ts';
import type { EvaluatedSequence, SampledToken, SamplingOptions } from '../../../src/engine/llama/kv-sequence.ts';
import type { Prompt } from '../../../src/engine/token-chain/prompt.ts';
import { SequencePool } from '../../../src/engine/token-chain/sequences.ts';
import { spanLength } from '../../../src/engine/token-chain/span.ts';
import { block, encoding, grow, span, tokensOf } from '../token-chain/chains.ts';
import { toGenerateRequest, toItems } from '../token-chain/turns.ts';

/** A model that says what it is told to; each evaluation waits for `proceed`. */
class ScriptedSequence implements EvaluatedSequence<ScriptedSequence> {
  readonly appended: number[] = [];
  /** What it was asked to go on from, and held to. */
  readonly asked: { text: string; from: number; rule: unknown }[] = [];
  length = 0;
  #waiting: (() => void)[] = [];
  readonly #answers: readonly string[];
  readonly #isManual: boolean;

  /** `answers`: to one question after the other. */
  constructor(answers: string | readonly string[], isManual = false) {
    this.#answers = [answers].flat();
    this.#isManual = isManual;
  }

  /** Evaluations that have begun and not ended. */
  get underway(): number {
    return this.#waiting.length;
  }

  proceed(): void {
    this.#waiting.shift()?.();
  }

  truncate(length: number): Promise<void> {
    this.length = Math.min(length, this.length);
    return Promise.resolve();
  }

  canCopy(): boolean {
    return false;
  }

  copyFrom(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async append(tokens: readonly Token[]): Promise<void> {
    this.appended.push(tokens.length);
    await this.#evaluation();
    this.length += tokens.length;
  }

  async *generate(tokens: readonly Token[], options: SamplingOptions): AsyncGenerator<SampledToken, void> {
    const answer = this.#answers[this.asked.length] ?? '';
    const rule = options.grammarEvaluationState;
    this.asked.push({ text: String.fromCharCode(...tokens), from: this.length, rule });
    let count = tokens.length;
    for (const token of tokensOf(answer)) {
      await this.#evaluation();
      this.length += count;
      count = 1;
      yield { token };
    }
    this.length += count;
  }

  async #evaluation(): Promise<void> {
    if (this.#isManual) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function createGenerator(sequence: ScriptedSequence, contextTokens = 10_000): Generator<ScriptedSequence> {
  return {
    pool: new SequencePool([sequence]),
    contextTokens,
    detokenize: (tokens) => String.fromCharCode(...tokens),
    closing: { text: '|', tokens: tokensOf('|') },
    encode: async (text) => tokensOf(text),
    compileSchema: async () => undefined,
    compileGrammar: async () => undefined,
  };
}

const freely: GenerationOptions = { sampling: {}, inputGrammars: new Map() };

const nothing = { text: '', tokens: [] };
function toPrompt(context: TokenContext): Prompt {
  const whole = span(block(''), context, '>');
  return {
    span: whole,
    length: spanLength(whole),
    opening: { text: '>', tokens: tokensOf('>') },
    forced: nothing,
    heldTo: null,
    targets: new Map(),
    family: hermes,
    encoding,
  };
}

/** Lets everything run that can run without another evaluation. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function collect(batches: AsyncIterable<readonly EngineEvent[]>, into: EngineEvent[]): Promise<void> {
  for await (const batch of batches) into.push(...batch);
}

describe('generate', () => {
  it('evaluates long prompts in slices and counts what it did', async () => {
    const sequence = new ScriptedSequence('ok');
    const context = await grow(null, 'x'.repeat(600));
    const events: EngineEvent[] = [];
    const signal = new AbortController().signal;
    await collect(
      generate(createGenerator(sequence), toGenerateRequest(context), toPrompt(context), freely, signal),
      events,
    );
    expect(sequence.appended).toEqual([256, 256, 88]);
    expect(events).toEqual([
      { type: 'text.delta', delta: 'o' },
      { type: 'text.delta', delta: 'k' },
      {
        type: 'end',
        reason: 'stop',
        usage: { inputTokens: 601, cachedTokens: 0, outputTokens: 2, reasoningTokens: 0 },
      },
    ]);
  });

  it.each([
    ['while it evaluates the prompt', 0],
    ['while the model speaks', 3],
  ])('ends at once when aborted %s, and frees the sequence when its evaluation has ended', async (_, evaluations) => {
    const sequence = new ScriptedSequence('hello', true);
    const generator = createGenerator(sequence);
    const context = await grow(null, 'x'.repeat(300));
    const abort = new AbortController();
    const events: EngineEvent[] = [];
    const running = collect(
      generate(generator, toGenerateRequest(context), toPrompt(context), freely, abort.signal),
      events,
    );
    const outcome = running.catch((reason: unknown) => reason);
    for (let count = 0; count < evaluations; count += 1) {
      await settle();
      sequence.proceed();
    }
    await settle();
    expect(sequence.underway).toBe(1);
    abort.abort(new Error('enough'));
    expect(await outcome).toBe(abort.signal.reason);

    let isFree = false;
    const drained = generator.pool.drain().then(() => (isFree = true));
    await settle();
    expect(isFree).toBe(false);
    sequence.proceed();
    await drained;
    expect(events.some((event) => event.type === 'end')).toBe(false);
  });

  it('refuses a schema that the arguments of a forced call cannot be held to, before anything is evaluated', async () => {
    const sequence = new ScriptedSequence('{}');
    const context = await grow(null, 'Hi');
    const compileSchema = (_: object, field: string) => Promise.reject(new Error(field));
    const generator = { ...createGenerator(sequence), compileSchema };
    const prompt = { ...toPrompt(context), heldTo: { type: 'object' } };
    const signal = new AbortController().signal;
    const events: EngineEvent[] = [];
    const running = collect(generate(generator, toGenerateRequest(context), prompt, freely, signal), events);
    await expect(running).rejects.toThrow('tool_choice');
    expect([events, sequence.appended]).toEqual([[], []]);
  });

  it('stops where the context is full', async () => {
    const context = await grow(null, 'x'.repeat(5));
    const events: EngineEvent[] = [];
    const generator = createGenerator(new ScriptedSequence('abcdefgh'), 10);
    const signal = new AbortController().signal;
    await collect(generate(generator, toGenerateRequest(context), toPrompt(context), freely, signal), events);
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'max_output_tokens', usage: { outputTokens: 4 } });
  });

  it('counts reasoning', async () => {
    const context = await grow(null, 'x');
    const events: EngineEvent[] = [];
    const generator = createGenerator(new ScriptedSequence('<think>abc</think>de'));
    const signal = new AbortController().signal;
    await collect(generate(generator, toGenerateRequest(context), toPrompt(context), freely, signal), events);
    expect(events.filter((event) => event.type === 'reasoning.delta').map((event) => event.delta)).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(events.at(-1)).toMatchObject({ usage: { outputTokens: 20, reasoningTokens: 11 } });
  });

  it('makes one call where the request allows no more', async () => {
    const call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>';
    const context = await grow(null, 'x');
    const prompt = { ...toPrompt(context), targets: new Map([['f', { kind: 'function', name: 'f' } as const]]) };
    const starts = async (parallel: boolean): Promise<number> => {
      const events: EngineEvent[] = [];
      const request = {
        ...toGenerateRequest(context),
        settings: resolveSettings({ input: [], parallel_tool_calls: parallel }),
      };
      const generator = createGenerator(new ScriptedSequence(`${call}\n${call}`));
      await collect(generate(generator, request, prompt, freely, new AbortController().signal), events);
      return events.filter((event) => event.type === 'call.start').length;
    };
    expect(await starts(true)).toBe(2);
    expect(await starts(false)).toBe(1);
  });
});

describe('an answer with a schema', () => {
  const text = { format: { type: 'json_object' as const } };
  /** Marks what a sequence is held to. */
  const rule = (): undefined => undefined;

  /** What is told of answers, and what the sequence was asked. */
  async function hold(answers: readonly string[], change: Partial<Prompt>): Promise<[EngineEvent[], ScriptedSequence]> {
    const sequence = new ScriptedSequence(answers);
    const context = await grow(null, 'hello');
    const generator = { ...createGenerator(sequence), compileSchema: async () => rule };
    const request = { ...toGenerateRequest(context), settings: resolveSettings({ input: [], text }) };
    const events: EngineEvent[] = [];
    const prompt = { ...toPrompt(context), ...change };
    await collect(generate(generator, request, prompt, freely, new AbortController().signal), events);
    return [events, sequence];
  }

  it('is held to it behind what its model thinks', async () => {
    const opening = { text: '<think>', tokens: tokensOf('>') };
    const [events, { asked }] = await hold(['Hm.</think>\n\nSure', '{"a":1} and more'], { opening });
    const thought = events.map((event) => (event.type === 'reasoning.delta' ? event.delta : '')).join('');
    expect(thought).toBe('Hm.');
    expect(toItems(events)).toMatchObject([{ type: 'message', content: [{ text: '{"a":1}' }] }]);
    expect(asked).toEqual([
      { text: '>', from: 5, rule: undefined },
      { text: '\n', from: 5 + 1 + 'Hm.</think>\n'.length, rule },
    ]);
    expect(events.at(-1)).toMatchObject({ usage: { outputTokens: 'Hm.</think>\n\n{"a":1}'.length } });
  });

  it('is held to it where the model makes no call, from the first token on', async () => {
    const targets = new Map([['f', { kind: 'function', name: 'f' } as const]]);
    const [events, { asked }] = await hold(['[1]', '{}'], { targets });
    expect(toItems(events)).toMatchObject([{ type: 'message', content: [{ text: '{}' }] }]);
    expect(asked.map(({ text: said, from }) => [said, from])).toEqual([
      ['>', 5],
      ['>', 5],
    ]);
    const call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>';
    const [called, free] = await hold([call], { targets });
    expect(toItems(called)).toMatchObject([{ type: 'function_call', name: 'f' }]);
    expect(free.asked.map((each) => each.rule)).toEqual([undefined]);
  });

  it('is held to it at once where it can be nothing else', async () => {
    const [, { asked }] = await hold(['{}'], {});
    expect(asked.map((each) => each.rule)).toEqual([rule]);
  });
});

describe('warm', () => {
  it('hands over between two slices to the generation that wants the prompt', async () => {
    const sequence = new ScriptedSequence('ok', true);
    const generator = createGenerator(sequence);
    const context = await grow(null, 'x'.repeat(1000));
    const prompt = { ...toPrompt(context), span: span(block(''), context, '') };
    const signal = new AbortController().signal;
    const warming = warm(generator, prompt, signal);
    const stopped = warming.catch((reason: unknown) => reason);
    await settle();
    const events: EngineEvent[] = [];
    const running = collect(generate(generator, toGenerateRequest(context), toPrompt(context), freely, signal), events);
    expect(await stopped).toMatchObject({ name: 'AbortError' });
    for (let evaluation = 0; evaluation < 8; evaluation += 1) {
      sequence.proceed();
      await settle();
    }
    await running;
    expect(sequence.appended).toEqual([256, 256, 256, 232]);
    expect(events.at(-1)).toMatchObject({ usage: { inputTokens: 1001, cachedTokens: 256 } });
  });
});
