/** Chains of contexts whose tokens are made up: one per character. */
import type { Item } from '@longwire/protocol';
import type { Token } from 'node-llama-cpp';
import { extendContext } from '../../../src/engine/llama/context.ts';
import type { LlamaContext } from '../../../src/engine/llama/context.ts';
import type { ChatMessage } from '../../../src/engine/llama/messages.ts';
import type { Span, TokenBlock } from '../../../src/engine/llama/span.ts';

export const tokensOf = (text: string): Token[] => Array.from(text, (character) => character.charCodeAt(0) as Token);
export const encode = (messages: readonly ChatMessage[]): Token[] =>
  messages.flatMap((message) => tokensOf(message.content));
export const say = (text: string): Item => ({ type: 'message', role: 'user', content: text });

/** `parent` and a piece of this text. */
export function grow(parent: LlamaContext | null, text: string): LlamaContext {
  const context = extendContext(parent, text === '' ? [] : [say(text)]);
  context.prepare(encode);
  return context;
}

export const block = (text: string): TokenBlock => ({ tokens: tokensOf(text) });

export function span(preamble: TokenBlock, context: LlamaContext | null, tail: string): Span {
  return { preamble, context, tail: tokensOf(tail), owner: context };
}

/** All tokens of a span as text, the long way. */
export function textOf({ preamble, context, tail }: Span): string {
  const pieces: (readonly Token[])[] = [tail];
  for (let piece = context; piece !== null; piece = piece.parent) pieces.unshift(piece.tokens);
  return String.fromCharCode(...preamble.tokens, ...pieces.flat());
}
