/**
 * The last turn of a chain while more items may join it.
 *
 * Reasoning, text and tool calls that a Response lists as items of their own are one assistant message on the chat wire, and
 * pictures that tools returned follow their outputs as one user message. Keeping the last of these open makes the messages
 * of a chain independent of where its requests cut it.
 */
import type { ChatMessage, ChatPart, ChatToolCall } from './wire.ts';

/** The assistant's turn so far. */
export interface AssistantTurn {
  readonly kind: 'assistant';
  readonly reasoning: string;
  /** Under which name the upstream reads reasoning. */
  readonly reasoningField: 'reasoning_content' | 'reasoning';
  readonly texts: readonly string[];
  readonly calls: readonly ChatToolCall[];
}

/** A run of tool outputs: the pictures among them wait for its end. */
export interface PictureTurn {
  readonly kind: 'pictures';
  readonly parts: readonly ChatPart[];
}

export type OpenTurn = AssistantTurn | PictureTurn;

/** The messages that a turn comes to when nothing more joins it: none for an assistant that only thought. */
export function sealTurn(turn: OpenTurn): readonly ChatMessage[] {
  if (turn.kind === 'pictures') return [{ role: 'user', content: turn.parts }];
  const { reasoning, reasoningField, texts, calls } = turn;
  if (texts.length === 0 && calls.length === 0) return [];
  return [
    {
      role: 'assistant',
      content: texts.length > 0 ? texts.join('\n\n') : null,
      ...(reasoning !== '' && { [reasoningField]: reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
  ];
}
