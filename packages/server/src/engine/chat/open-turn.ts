/**
 * The last turn of a chain while more items may join it.
 *
 * Reasoning, text and tool calls that a Response lists as items of their own are one assistant message on the chat wire, and
 * pictures that tools returned follow their outputs as one user message. Keeping the last of these open makes the messages
 * of a chain independent of where its requests cut it.
 */
import type { Item } from '@longwire/protocol';
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

/** The turn that `sealTurn` made a message of. `reasoningField` is for one without reasoning: where later thoughts would go. */
export function reopenTurn(message: ChatMessage, reasoningField: AssistantTurn['reasoningField'] | null): OpenTurn {
  if (message.role === 'user' && typeof message.content !== 'string') {
    return { kind: 'pictures', parts: message.content };
  }
  if (message.role !== 'assistant') throw new Error(`No turn is sealed as a message of the ${message.role}.`);
  const { content, reasoning, reasoning_content: reasoningContent, tool_calls: calls = [] } = message;
  return {
    kind: 'assistant',
    reasoning: reasoning ?? reasoningContent ?? '',
    reasoningField: reasoning === undefined ? (reasoningField ?? 'reasoning_content') : 'reasoning',
    texts: content === null ? [] : [content],
    calls,
  };
}

/** Whether `items` may join an open turn of this kind. The first of them tells; in doubt, yes. */
export function mayJoin(kind: OpenTurn['kind'], [first]: readonly Item[]): boolean {
  switch (first?.type) {
    case 'message':
      return first.role === 'assistant';
    case 'function_call_output':
    case 'custom_tool_call_output':
      return kind === 'pictures';
    default:
      return true;
  }
}
