/** Items -> messages of a chat template. */
import { errors } from '@longwire/protocol';
import type { InputPart, Item, MessageItem, MessagePart } from '@longwire/protocol';
import { customInputParameter, toChatName } from './tools.ts';

/** A call inside an assistant's message; `arguments` is JSON as the model wrote it. */
export interface ChatToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A message as chat templates take it. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ChatToolCall[];
  readonly tool_call_id?: string;
}

/**
 * Items as messages. What a model says in one go (reasoning, text, calls) becomes one message. Items that tell a text model
 * nothing (tools brought in, calls of hosted tools) are left out. Throws a catalogue error for images and files.
 */
export function toChatMessages(items: readonly Item[]): ChatMessage[] {
  const conversation = new Conversation();
  for (const item of items) {
    switch (item.type) {
      case 'message':
        if (item.role === 'assistant') conversation.say(toMessageText(item));
        else conversation.add(item.role === 'developer' ? 'system' : item.role, toMessageText(item));
        break;
      case 'reasoning':
        conversation.think((item.content ?? []).map((part) => part.text).join(''));
        break;
      case 'function_call':
        conversation.call(item.call_id, toChatName(item.name, item.namespace), item.arguments);
        break;
      case 'custom_tool_call':
        conversation.call(item.call_id, toChatName(item.name, item.namespace), toCustomArguments(item.input));
        break;
      case 'local_shell_call':
        conversation.call(item.call_id, 'local_shell', JSON.stringify(item.action));
        break;
      case 'shell_call':
        conversation.call(item.call_id, 'shell', JSON.stringify(item.action));
        break;
      case 'apply_patch_call':
        conversation.call(item.call_id, 'apply_patch', JSON.stringify(item.operation));
        break;
      case 'mcp_call':
        conversation.call(item.id ?? item.name, item.name, item.arguments);
        if (item.output) conversation.add('tool', item.output, item.id ?? item.name);
        break;
      case 'function_call_output':
      case 'custom_tool_call_output':
        conversation.add('tool', toOutputText(item.output), item.call_id ?? '');
        break;
      case 'local_shell_call_output':
        conversation.add('tool', item.output, item.id);
        break;
      case 'shell_call_output':
        conversation.add('tool', JSON.stringify(item.output), item.call_id);
        break;
      case 'apply_patch_call_output':
        conversation.add('tool', item.output ?? item.status, item.call_id);
        break;
      case 'compaction':
        throw errors.unsupportedValue('input', 'a sealed compaction item cannot be read by the embedded engine.');
      default:
        break;
    }
  }
  return conversation.end();
}

/** An assistant's message that is not complete. */
interface Draft {
  reasoning: string;
  content: string;
  /** Text was said, perhaps an empty one. */
  hasText: boolean;
  readonly calls: ChatToolCall[];
}

/** Messages as they are gathered. An assistant's message stays open for the calls behind its text. */
class Conversation {
  readonly #messages: ChatMessage[] = [];
  #open: Draft | null = null;

  add(role: 'user' | 'system' | 'tool', content: string, callId?: string): void {
    this.#close();
    this.#messages.push(callId === undefined ? { role, content } : { role, content, tool_call_id: callId });
  }

  think(reasoning: string): void {
    if (this.#open?.hasText || this.#open?.calls.length) this.#close();
    this.#speak().reasoning += reasoning;
  }

  say(content: string): void {
    if (this.#open?.hasText || this.#open?.calls.length) this.#close();
    const open = this.#speak();
    open.content = content;
    open.hasText = true;
  }

  call(id: string, name: string, args: string): void {
    this.#speak().calls.push({ id, type: 'function', function: { name, arguments: args } });
  }

  end(): ChatMessage[] {
    this.#close();
    return this.#messages;
  }

  #speak(): Draft {
    this.#open ??= { reasoning: '', content: '', hasText: false, calls: [] };
    return this.#open;
  }

  #close(): void {
    if (this.#open === null) return;
    const { reasoning, content, calls } = this.#open;
    this.#open = null;
    this.#messages.push({
      role: 'assistant',
      content,
      ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    });
  }
}

/** The text of a message. Throws where a part is not text. */
export function toMessageText(item: MessageItem): string {
  return typeof item.content === 'string' ? item.content : item.content.map(toPartText).join('');
}

function toOutputText(output: string | readonly InputPart[]): string {
  return typeof output === 'string' ? output : output.map(toPartText).join('\n');
}

function toPartText(part: MessagePart): string {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
      return part.text;
    case 'refusal':
      return part.refusal;
    case 'input_image':
      throw errors.unsupportedValue('input', 'an image cannot be read by the embedded engine, which takes text only.');
    case 'input_file':
      throw errors.unsupportedValue('input', 'a file cannot be read by the embedded engine, which takes text only.');
  }
}

/** The free text of a custom tool as the arguments of a function with one parameter. */
function toCustomArguments(input: string): string {
  return `{"${customInputParameter}": ${JSON.stringify(input)}}`;
}
