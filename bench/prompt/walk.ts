/**
 * The prompts of a rollout, turn by turn, as the engines of token ids build them: the chain is extended by what is new, the prompt is built, the
 * model answers with tokens of its own, and the chain is extended by the answer.
 */
import { resolveSettings, type Item } from '@longwire/protocol';
import type { ChatTemplate } from '../../packages/server/src/engine/chat-template/template.ts';
import { toChatMessages } from '../../packages/server/src/engine/chat-template/messages.ts';
import { toOutputSignature } from '../../packages/server/src/engine/chat-template/signature.ts';
import type { Token, Vocabulary } from '../../packages/server/src/engine/chat-template/tokenizer.ts';
import { toChatTools } from '../../packages/server/src/engine/chat-template/tools.ts';
import type { GenerateRequest, Preamble } from '../../packages/server/src/engine/engine.ts';
import { allMessages, extendContext, type TokenContext } from '../../packages/server/src/engine/token-chain/context.ts';
import { PromptBuilder } from '../../packages/server/src/engine/token-chain/prompt.ts';
import { spanTokensFrom } from '../../packages/server/src/engine/token-chain/span.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';

/** What a turn's prompt cost, and what it might have. */
export interface PromptTurn {
  /** Extending the chain by the input and by the answer before it, rendering and tokenising both. */
  readonly deltaUs: number;
  /** The tokenizer alone, on the text of the input; where the template writes answers anew, on that of the answer before it too. */
  readonly floorUs: number;
}

/** A turn whose prompt was made a second time, from the whole history. */
export interface ComparedTurn {
  /** Counts from 0. */
  readonly turn: number;
  /** Of the whole prompt. */
  readonly tokens: number;
  /** Rendering and tokenising the whole history. */
  readonly fullUs: number;
  /** Whether the two prompts have the same tokens, and the delta was not a full rendering itself. */
  readonly isExact: boolean;
}

/** Walks one rollout with one template, as often as wanted: the answers of the model are prepared once. */
export class PromptWalk {
  readonly #rollout: Rollout;
  readonly #template: ChatTemplate;
  readonly #vocabulary: Vocabulary;
  /** By turn: what the model writes, as tokens. */
  readonly #answers: (readonly Token[])[] = [];

  constructor(rollout: Rollout, template: ChatTemplate, vocabulary: Vocabulary) {
    this.#rollout = rollout;
    this.#template = template;
    this.#vocabulary = vocabulary;
  }

  /** Every turn once, on the clock. */
  async measure(): Promise<PromptTurn[]> {
    const turns: PromptTurn[] = [];
    await this.#walk(async (turn, deltaUs) => {
      const { turns: all } = this.#rollout;
      const answer = this.#template.rounds === null ? [] : (all[turn - 1]?.output ?? []);
      const text = toText([...answer, ...(all[turn]?.input ?? [])]);
      const startMs = performance.now();
      await this.#vocabulary.tokenize(text, false);
      turns.push({ deltaUs, floorUs: toUs(startMs) });
    });
    return turns;
  }

  /** Compares turns with a full encode of their history: all, or those for which `wants` answers true. */
  async compare(wants: (turn: number) => boolean = () => true): Promise<ComparedTurn[]> {
    const { instructions, tools } = this.#rollout;
    const variables = { tools: toChatTools(tools), toolChoice: null, thinking: true };
    const turns: ComparedTurn[] = [];
    await this.#walk(async (turn, _, context, tokens) => {
      if (!wants(turn)) return;
      const startMs = performance.now();
      const messages = [...context.lead, ...allMessages(context)];
      const whole = await this.#template.full(instructions, messages, variables, true);
      const fullUs = toUs(startMs);
      turns.push({ turn, tokens: whole.length, fullUs, isExact: tokens !== null && isSame(tokens(), whole) });
    });
    return turns;
  }

  /** `visit` gets what a turn took, and its tokens; null where its prompt was rendered in full. */
  async #walk(
    visit: (turn: number, us: number, context: TokenContext, tokens: (() => readonly Token[]) | null) => Promise<void>,
  ): Promise<void> {
    const prompts = new PromptBuilder(this.#template, Number.MAX_SAFE_INTEGER);
    let context: TokenContext | null = null;
    let answerUs = 0;
    for (const [turn, { input, output }] of this.#rollout.turns.entries()) {
      const toRequest = this.#prepareRequest();
      const startMs = performance.now();
      context = extendContext(context, input);
      const { span } = await prompts.build(toRequest(context), true);
      const us = toUs(startMs) + answerUs;
      await visit(turn, us, context, span.run === null ? null : () => spanTokensFrom(span, 0));
      context.remember([
        {
          encoding: prompts.encoding,
          tokens: await this.#answer(turn, context),
          signature: toOutputSignature(output),
        },
      ]);
      const answeredMs = performance.now();
      context = extendContext(context, output);
      answerUs = toUs(answeredMs);
    }
  }

  async #answer(turn: number, { lastMessage }: TokenContext): Promise<readonly Token[]> {
    const messages = toChatMessages(this.#rollout.turns[turn]?.output ?? []);
    const tokens = this.#answers[turn] ?? (await this.#template.delta(messages, lastMessage)) ?? [];
    this.#answers[turn] = tokens;
    return tokens;
  }

  /** A client repeats its instructions and tools: they were parsed from its frame, and are the same in no other sense. */
  #prepareRequest(): (context: TokenContext) => GenerateRequest<TokenContext> {
    const { name, instructions, tools } = this.#rollout;
    const requested = { input: [] };
    const settings = resolveSettings(requested);
    const preamble = JSON.parse(JSON.stringify({ instructions, tools })) as Preamble;
    return (context) => ({
      context,
      model: name,
      preamble,
      settings,
      requested,
      project: 'default',
      responseId: 'resp_bench',
    });
  }
}

/** All that a tokenizer has to read of these items, without what a template writes around it. */
function toText(items: readonly Item[]): string {
  const texts = toChatMessages(items).map(({ content, tool_calls: calls = [] }) =>
    [content, ...calls.map((call) => call.function.arguments)].join(''),
  );
  return texts.join('\n');
}

function isSame(a: readonly Token[], b: readonly Token[]): boolean {
  return a.length === b.length && a.every((token, index) => token === b[index]);
}

function toUs(startMs: number): number {
  return (performance.now() - startMs) * 1000;
}
