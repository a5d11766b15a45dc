/** What this engine keeps of a chain: its prompt, converted once. */
import type { Item } from '@longwire/protocol';
import { toChatMessages, type Dialect } from '../chat/messages.ts';
import { sealTurn, type OpenTurn } from '../chat/open-turn.ts';
import type { ChatMessage } from '../chat/wire.ts';
import { isSameOutline, outlineOf, type Outline } from './answer.ts';
import { toModelMessages, type LateSystemRole, type PromptEnd } from './messages.ts';
import type { AssistantPart, ModelMessage } from './wire.ts';

/** A prompt up to a point. The array is shared by all contexts that go on from it; each knows how much of it is its own. */
export interface PromptContext {
  readonly messages: ModelMessage[];
  readonly length: number;
  readonly end: PromptEnd;
  readonly lateSystemRole: LateSystemRole;
  /** A last turn that later items may still join. */
  readonly open: OpenTurn | null;
  /** Left here by the last generation from this context: its output comes back by `extend`, without the provider's marks. */
  answer: { readonly outline: Outline; readonly parts: readonly AssistantPart[] } | null;
}

const dialect: Dialect = { developerRole: 'system', reasoningField: 'reasoning_content' };

/** The prompt of a chain without items. */
export function createContext(lateSystemRole: LateSystemRole): PromptContext {
  const end = { names: new Map<string, string>(), begun: false };
  return { messages: [], length: 0, end, lateSystemRole, open: null, answer: null };
}

/** `base` with `items` behind it: O(items); a fork copies the references to the messages before it. Throws as `toChatMessages` does. */
export function extendContext(base: PromptContext, items: readonly Item[]): PromptContext {
  const { answer } = base;
  if (answer && isSameOutline(outlineOf(items), answer.outline)) return appendAnswer(base, answer.parts);
  const { messages, open } = toChatMessages(base.open, items, dialect);
  return append(base, messages, open);
}

/** The whole prompt: references only. Providers take it as one array and convert it anew with every call, which is theirs to do. */
export function promptOf(context: PromptContext): ModelMessage[] {
  const prompt = context.messages.slice(0, context.length);
  if (context.open) prompt.push(...convert(context, sealTurn(context.open)).messages);
  return prompt;
}

function appendAnswer(base: PromptContext, parts: readonly AssistantPart[]): PromptContext {
  const sealed = append(base, base.open ? sealTurn(base.open) : [], null);
  const names = new Map(sealed.end.names);
  for (const part of parts) if (part.type === 'tool-call') names.set(part.toolCallId, part.toolName);
  return { ...push(sealed, [{ role: 'assistant', content: parts }]), end: { names, begun: true } };
}

function append(base: PromptContext, messages: readonly ChatMessage[], open: OpenTurn | null): PromptContext {
  const converted = convert(base, messages);
  return { ...push(base, converted.messages), end: converted.end, open };
}

function convert(
  { end, lateSystemRole }: PromptContext,
  messages: readonly ChatMessage[],
): ReturnType<typeof toModelMessages> {
  return toModelMessages(messages, end, lateSystemRole);
}

/** In place behind the tip; a fork takes an array of its own. */
function push(base: PromptContext, added: readonly ModelMessage[]): PromptContext {
  const isTip = base.messages.length === base.length;
  const messages = isTip ? base.messages : base.messages.slice(0, base.length);
  messages.push(...added);
  return { ...base, messages, length: messages.length, answer: null };
}
