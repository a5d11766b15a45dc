/**
 * One generation by a server that finds the longest known prefix of a prompt by itself (vLLM, SGLang): send the ids, read the answer,
 * and keep what the chain needs to go on.
 */
import { Interruption } from '../engine.ts';
import type { EndReason, EngineEvent, GenerateRequest, TokenLogprob } from '../engine.ts';
import type { TemplateText } from '../chat-template/template.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import { toInputGrammars } from '../grammar/tool-grammars.ts';
import type { InputGrammar } from '../grammar/tool-grammars.ts';
import type { TokenContext } from '../token-chain/context.ts';
import { HeldAnswer } from '../token-chain/held-answer.ts';
import type { Prompt } from '../token-chain/prompt.ts';
import { spanLength } from '../token-chain/span.ts';
import type { Span } from '../token-chain/span.ts';

/** What one event of the server says. */
export interface AnswerPart {
  /** New ids; without the one that ended the turn, which the template writes itself. */
  readonly tokens: readonly Token[];
  /** The text that these ids complete. */
  readonly text: string;
  /** Of the new ids, where they were asked for. */
  readonly logprobs: readonly TokenLogprob[];
  /** Why the answer has ended, once it has. */
  readonly reason?: EndReason;
  /** Tokens of the prompt that were not evaluated, once the server tells. */
  readonly cachedTokens?: number;
}

/** One question to the server. */
export interface Question {
  readonly request: GenerateRequest<TokenContext>;
  /** What is to be gone on from. */
  readonly span: Span;
  /** What the answer is held to from its first token on; null: nothing. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  /** The same as a grammar. At most one of them is given. */
  readonly grammar: InputGrammar | null;
  /** Most tokens of the answer. */
  readonly limit: number;
}

/** How a server is asked. */
export interface Answers {
  /** The answer, one batch per read. Leaving early stops the server. Throws catalogue errors and the signal's reason. */
  ask(question: Question, signal: AbortSignal): AsyncIterable<readonly AnswerPart[]>;
  /** Resolves when the server knows of every answer that was left. */
  drain(): Promise<void>;
}

/** What a generation needs of the server. */
export interface PrefixServer {
  readonly contextTokens: number;
  /** What the template writes behind an answer. */
  readonly closing: TemplateText;
  readonly answers: Answers;
  /** The tokens of a text that the template could have written. */
  encode(text: string): Promise<readonly Token[]>;
  /** A server that is not set up for what is asked of it. */
  unusable(what: string): Error;
}

/** Generates. An interruption ends it with what was counted by then; every other abort throws the signal's reason. */
export async function* generate(
  server: PrefixServer,
  request: GenerateRequest<TokenContext>,
  prompt: Prompt,
  signal: AbortSignal,
): AsyncGenerator<readonly EngineEvent[], void> {
  const { settings, context } = request;
  const room = server.contextTokens - spanLength(prompt.span);
  const limit = Math.min(room, settings.max_output_tokens ?? room);
  const answer = new HeldAnswer(prompt, server.closing, settings, toInputGrammars(request, prompt.family));
  let cached = 0;
  let reason: EndReason = 'stop';
  let isExact = true;
  /** Asks, and reads until the server has said all, or enough. `isFirst`: what a later question finds, the first one left there. */
  const read = async function* (isFirst: boolean): AsyncGenerator<readonly EngineEvent[], void> {
    const { span, schema, grammar, output } = answer;
    const rest = limit - output.tokens.length;
    reason = rest > 0 ? 'stop' : 'max_output_tokens';
    if (rest <= 0) return;
    let events = isFirst ? output.begin() : [];
    let said = '';
    for await (const parts of server.answers.ask({ request, span, schema, grammar, limit: rest }, signal)) {
      for (const part of parts) {
        if (isFirst) cached = part.cachedTokens ?? cached;
        reason = part.reason ?? reason;
        said += part.text;
        events.push(...answer.push(part.tokens, part.text, part.logprobs));
        const isOver = part.reason === undefined && output.hasCalled && !settings.parallel_tool_calls;
        if (!isOver && !answer.mustChange) continue;
        // Of several ids at once the last may be half a character whose text is still to come.
        isExact = answer.mustChange || part.tokens.length === 1;
        if (grammar !== null) requireKept(server, grammar, said);
        if (events.length > 0) yield events;
        return;
      }
      if (events.length > 0) yield events;
      events = [];
    }
    if (grammar !== null && reason === 'stop') requireKept(server, grammar, said);
  };
  try {
    yield* read(true);
    let events = answer.finish();
    while (answer.mustChange) {
      if (events.length > 0) yield events;
      const { kept, added } = answer.change();
      answer.goOn(kept, added === '' ? [] : await server.encode(added));
      yield* read(false);
      events = answer.finish();
    }
    answer.output.mark();
    if (isExact) context.remember(answer.output.toRaw(false));
    yield [...events, answer.output.end(reason, cached)];
  } catch (error) {
    // The text runs behind the ids, so nobody knows which of them the reader has seen: the chain goes on from the text.
    if (!(error instanceof Interruption)) throw error;
    yield [answer.output.end('stop', cached)];
  }
}

/**
 * Evaluates a prompt ahead of its turn: the least that such a server can be asked for is one token. Answers with the tokens of the prompt
 * that were evaluated before, which the server tells with that one; 0 where it does not. One that fails costs time only: the generation
 * evaluates what is missing, and fails visibly if it must. Throws the signal's reason.
 */
export async function warm(
  server: PrefixServer,
  request: GenerateRequest<TokenContext>,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<number> {
  const question = { request, span: prompt.span, schema: null, grammar: null, limit: 1 };
  let cached = 0;
  try {
    for await (const parts of server.answers.ask(question, signal))
      for (const { cachedTokens } of parts) cached = cachedTokens ?? cached;
    return cached;
  } catch (error) {
    if (signal.aborted) throw error;
    return 0;
  }
}

/** Servers that take no notice of a grammar answer all the same: older ones, and those that wait for the end of thoughts that never began. */
function requireKept(server: Pick<PrefixServer, 'unusable'>, grammar: InputGrammar, said: string): void {
  if (grammar.allows(said)) return;
  throw server.unusable("took no notice of a tool's grammar, as older versions and those with a reasoning parser do");
}
