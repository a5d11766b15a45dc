/** Items -> chat messages. The messages of a chain do not depend on how its requests cut it into pieces. */
import { errors, type Item } from '@longwire/protocol';
import { toClientArguments, type ClientCall } from './client-tools.ts';
import { splitToolOutput, toTextContent, toUserContent } from './content.ts';
import { encodeCustomInput } from './custom-input.ts';
import { sealTurn, type AssistantTurn, type OpenTurn } from './open-turn.ts';
import { toChatName } from './tool-names.ts';
import type { ChatMessage, ChatPart } from './wire.ts';

/** How one upstream wants its messages. */
export interface Dialect {
  /** What developer messages become: few chat templates know the role `developer`. */
  readonly developerRole: 'system' | 'developer';
  /** The field in which the upstream reads earlier reasoning; null where it must not be sent back. */
  readonly reasoningField: 'reasoning_content' | 'reasoning' | null;
}

/**
 * The messages that `items` complete behind a chain that ended with `open`, and the turn that stays open after them.
 *
 * Not sent: what the server side of another provider did (its results are in the answer that follows), tools (they come with the
 * preamble), configuration updates (the request's own settings hold), and reasoning that has no text of its own: sealed
 * reasoning opens only where it was made (needs 16).
 * Throws `unsupported_value` for items that a chat server has no form for; nothing is kept of the call then.
 */
export function toChatMessages(
  open: OpenTurn | null,
  items: readonly Item[],
  dialect: Dialect,
): { messages: readonly ChatMessage[]; open: OpenTurn | null } {
  const writer = new MessageWriter(open, dialect);
  for (const [index, item] of items.entries()) writer.add(item, `input[${index}]`);
  return { messages: writer.messages, open: writer.open };
}

class MessageWriter {
  readonly messages: ChatMessage[] = [];
  open: OpenTurn | null;
  readonly #dialect: Dialect;

  constructor(open: OpenTurn | null, dialect: Dialect) {
    this.open = open;
    this.#dialect = dialect;
  }

  add(item: Item, path: string): void {
    switch (item.type) {
      case 'message':
        return this.#message(item, `${path}.content`);
      case 'reasoning':
        return this.#reasoning(item.content?.map((part) => part.text).join('') ?? '');
      case 'function_call':
        return this.#call(item.call_id, toChatName(item.name, item.namespace), toObjectJson(item.arguments));
      case 'custom_tool_call':
        return this.#call(item.call_id, toChatName(item.name, item.namespace), encodeCustomInput(item.input));
      case 'local_shell_call':
        return this.#clientCall(item, item.id ?? item.call_id, 'local_shell');
      case 'shell_call':
        return this.#clientCall(item, item.call_id, 'shell');
      case 'apply_patch_call':
        return this.#clientCall(item, item.call_id, 'apply_patch');
      case 'tool_search_call':
        return item.call_id ? this.#clientCall(item, item.call_id, 'tool_search') : undefined;
      case 'function_call_output':
      case 'custom_tool_call_output': {
        if (!item.call_id) throw errors.missing(`${path}.call_id`);
        const { text, pictures } = splitToolOutput(item.output, `${path}.output`);
        return this.#output(item.call_id, text, pictures);
      }
      case 'local_shell_call_output':
        return this.#output(item.id, item.output, []);
      case 'shell_call_output':
        return this.#output(item.call_id, JSON.stringify(item.output), []);
      case 'apply_patch_call_output':
        return this.#output(item.call_id, item.output ? `${item.status}: ${item.output}` : item.status, []);
      case 'tool_search_output':
        return item.call_id ? this.#output(item.call_id, toolNames(item), []) : undefined;
      case 'additional_tools':
      case 'configuration_update':
      case 'web_search_call':
      case 'file_search_call':
      case 'code_interpreter_call':
      case 'image_generation_call':
      case 'mcp_list_tools':
      case 'mcp_approval_request':
      case 'mcp_approval_response':
      case 'mcp_call':
        return undefined;
      default:
        throw errors.unsupportedValue(
          `${path}.type`,
          `is '${item.type.slice(0, 64)}', which this model's chat-completions server has no form for.`,
        );
    }
  }

  #message(item: Extract<Item, { type: 'message' }>, path: string): void {
    if (item.role === 'assistant') {
      const text = toTextContent(item.content, '', path);
      const turn = this.#assistant();
      if (text !== '') this.open = { ...turn, texts: [...turn.texts, text] };
      return;
    }
    const message: ChatMessage =
      item.role === 'user'
        ? { role: 'user', content: toUserContent(item.content, path) }
        : {
            role: item.role === 'developer' ? this.#dialect.developerRole : 'system',
            content: toTextContent(item.content, '\n', path),
          };
    this.#seal();
    this.messages.push(message);
  }

  #reasoning(text: string): void {
    if (text === '' || this.#dialect.reasoningField === null) return;
    const turn = this.#assistant();
    this.open = { ...turn, reasoning: turn.reasoning === '' ? text : `${turn.reasoning}\n\n${text}` };
  }

  #clientCall(item: ClientCall, callId: string, name: string): void {
    this.#call(callId, name, JSON.stringify(toClientArguments(item)));
  }

  #call(id: string, name: string, argumentsJson: string): void {
    const turn = this.#assistant();
    this.open = {
      ...turn,
      calls: [...turn.calls, { id, type: 'function', function: { name, arguments: argumentsJson } }],
    };
  }

  /** Outputs of one run stand together, as servers demand; their pictures come after the last of them. */
  #output(callId: string, text: string, pictures: readonly ChatPart[]): void {
    const waiting = this.open?.kind === 'pictures' ? this.open.parts : [];
    if (this.open?.kind === 'assistant') this.#seal();
    const content = text === '' && pictures.length > 0 ? 'The output follows in the next message.' : text;
    this.messages.push({ role: 'tool', tool_call_id: callId, content });
    if (pictures.length === 0) return;
    const parts = [...waiting, { type: 'text', text: `Output of the tool call ${callId}:` } as const, ...pictures];
    this.open = { kind: 'pictures', parts };
  }

  #assistant(): AssistantTurn {
    if (this.open?.kind === 'assistant') return this.open;
    this.#seal();
    const reasoningField = this.#dialect.reasoningField ?? 'reasoning_content';
    return { kind: 'assistant', reasoning: '', reasoningField, texts: [], calls: [] };
  }

  #seal(): void {
    if (this.open) this.messages.push(...sealTurn(this.open));
    this.open = null;
  }
}

/**
 * Arguments that a server can parse: it parses them again with every turn, so one call that the model got wrong would make
 * the whole conversation fail from then on.
 */
function toObjectJson(text: string): string {
  if (text.trim() === '') return '{}';
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text;
  } catch {
    // Said in the arguments themselves, where the model will see it.
  }
  return JSON.stringify({ invalid_arguments: text });
}

/** The names under which the model can now call the tools that a search brought in. */
function toolNames(item: Extract<Item, { type: 'tool_search_output' }>): string {
  const names = item.tools.flatMap((tool) => {
    if (tool.type === 'namespace') return tool.tools.map((member) => toChatName(member.name, tool.name));
    return tool.type === 'function' || tool.type === 'custom' ? [toChatName(tool.name)] : [];
  });
  return names.length > 0 ? `Tools available now: ${names.join(', ')}` : 'No tools matched.';
}
