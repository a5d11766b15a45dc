/** Chains of contexts whose tokens are made up: one per character. */
import type { Item } from '@longwire/protocol';
import type { Token } from '../../../src/engine/chat-template/tokenizer.ts';
import { extendContext } from '../../../src/engine/token-chain/context.ts';
import type { Encoding, TokenContext } from '../../../src/engine/token-chain/context.ts';
import type { ChatMessage } from '../../../src/engine/chat-template/messages.ts';
import type { Span, TokenBlock } from '../../../src/engine/token-chain/span.ts';

export const tokensOf = (text: string): Token[] => Array.from(text, (character) => character.charCodeAt(0));
const encode = async (messages: readonly ChatMessage[]): Promise<Token[]> =>
  messages.flatMap((message) => tokensOf(message.content));
/** The vocabulary of all chains here. */
export const encoding: Encoding = { encode };
export const say = (text: string): Item => ({ type: 'message', role: 'user', content: text });

/** `parent` and a piece of this text. */
export async function grow(parent: TokenContext | null, text: string): Promise<TokenContext> {
  const context = extendContext(parent, text === '' ? [] : [say(text)]);
  await context.prepare(encoding);
  return context;
}

export const block = (text: string): TokenBlock => ({ tokens: tokensOf(text) });

export function span(preamble: TokenBlock, context: TokenContext | null, tail: string): Span {
  return { preamble, run: context, tail: tokensOf(tail), owner: context, project: 'default' };
}

/** All tokens of a span as text, the long way. */
export function textOf({ preamble, run, tail }: Span): string {
  const pieces: (readonly Token[])[] = [tail];
  for (let piece = run; piece !== null; piece = piece.parent) pieces.unshift(piece.tokens);
  return String.fromCharCode(...preamble.tokens, ...pieces.flat());
}
