/** Chat messages -> the prompt of a provider. */
import type { ChatMessage, ChatPart } from '../chat/wire.ts';
import type { AssistantPart, FilePart, ModelMessage, TextPart } from './wire.ts';

/** What a prompt is like at its end. Never mutated. */
export interface PromptEnd {
  /** Names of the tools whose calls have no output yet, by call id: an output does not say whose it is. */
  readonly names: ReadonlyMap<string, string>;
  /** Whether anything but system messages has been said. */
  readonly begun: boolean;
}

/** What system messages become behind the first other message: some providers take them at the beginning only. */
export type LateSystemRole = 'system' | 'user';

/** The messages behind a prompt that ended with `end`, and what it is like after them. O(messages + open calls). */
export function toModelMessages(
  messages: readonly ChatMessage[],
  end: PromptEnd,
  lateSystemRole: LateSystemRole,
): { readonly messages: readonly ModelMessage[]; readonly end: PromptEnd } {
  const open = new Map(end.names);
  let { begun } = end;
  const converted = messages.map((message): ModelMessage => {
    const isSystem = message.role === 'system' || message.role === 'developer';
    if (!isSystem) begun = true;
    switch (message.role) {
      case 'system':
      case 'developer':
        return begun && lateSystemRole === 'user'
          ? { role: 'user', content: [toText(message.content)] }
          : { role: 'system', content: message.content };
      case 'user': {
        const { content } = message;
        return { role: 'user', content: typeof content === 'string' ? [toText(content)] : content.map(toPart) };
      }
      case 'assistant':
        for (const { id, function: called } of message.tool_calls ?? []) open.set(id, called.name);
        return { role: 'assistant', content: toAssistantParts(message) };
      case 'tool': {
        const { tool_call_id: toolCallId, content: value } = message;
        const toolName = open.get(toolCallId) ?? '';
        open.delete(toolCallId);
        return {
          role: 'tool',
          content: [{ type: 'tool-result', toolCallId, toolName, output: { type: 'text', value } }],
        };
      }
    }
  });
  return { messages: converted, end: { names: open, begun } };
}

function toAssistantParts(message: Extract<ChatMessage, { role: 'assistant' }>): AssistantPart[] {
  const { reasoning_content: reasoning, content, tool_calls: calls = [] } = message;
  return [
    ...(reasoning ? [{ type: 'reasoning' as const, text: reasoning }] : []),
    ...(content ? [toText(content)] : []),
    ...calls.map((call) => ({
      type: 'tool-call' as const,
      toolCallId: call.id,
      toolName: call.function.name,
      input: JSON.parse(call.function.arguments) as unknown,
    })),
  ];
}

function toText(text: string): TextPart {
  return { type: 'text', text };
}

function toPart(part: ChatPart): TextPart | FilePart {
  switch (part.type) {
    case 'text':
      return part;
    case 'image_url':
      return toFile(part.image_url.url, 'image');
    case 'file':
      return { ...toFile(part.file.file_data, 'application/octet-stream'), filename: part.file.filename };
  }
}

/** A data URL, another URL, or bare base64. */
function toFile(source: string, mediaType: string): FilePart {
  const [, type, data] = /^data:([^;,]+)[^,]*;base64,(.*)$/s.exec(source) ?? [];
  if (type !== undefined && data !== undefined) return { type: 'file', data: { type: 'data', data }, mediaType: type };
  const url = URL.parse(source);
  return { type: 'file', data: url ? { type: 'url', url } : { type: 'data', data: source }, mediaType };
}
