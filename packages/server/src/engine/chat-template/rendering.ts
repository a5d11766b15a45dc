/** Messages -> text by a Jinja chat template, adapted to what that template can take. */
import { Template } from '@huggingface/jinja';
import { toShortId, writtenIdOf } from './call-id.ts';
import type { ChatMessage } from './messages.ts';
import { describeTools, writeToolsAsText } from './tool-text.ts';
import type { PromptEncoder, Vocabulary } from './tokenizer.ts';
import type { ChatTool } from './tools.ts';

/** What a request tells the template besides its messages. */
export interface TemplateVariables {
  readonly tools: readonly ChatTool[];
  /** `none`, `required` or a tool's name; null leaves it to the model. */
  readonly toolChoice: string | null;
  /** False switches the reasoning of models off that let it be switched. */
  readonly thinking: boolean;
}

/** Nothing but messages. */
export const plainVariables: TemplateVariables = { tools: [], toolChoice: null, thinking: true };

/** Names that templates have for reasoning. */
export const reasoningFields = ['reasoning_content', 'thinking', 'reasoning'] as const;
/** One of {@link reasoningFields}. */
export type ReasoningField = (typeof reasoningFields)[number];

/** What a template can do. */
export interface TemplateTraits {
  /** Takes a system message at the front. */
  readonly system: boolean;
  /** Takes system messages between others, and leaves them there. */
  readonly laterSystem: boolean;
  /** Takes two user messages in a row. */
  readonly neighbours: boolean;
  /** Shows tools, and writes calls in the form that the engine parses. Where it does not, the engine writes them. */
  readonly tools: boolean;
  /** Writes arguments as they stand; others want them parsed. */
  readonly rawArguments: boolean;
  /** Takes several calls in one message. Where it does not, each becomes a message of its own. */
  readonly parallelCalls: boolean;
  /** The name under which it reads reasoning. */
  readonly reasoningField: ReasoningField;
  /** Takes reasoning and text next to calls. Where it does not, the text becomes part of the reasoning. */
  readonly textBesideReasoning: boolean;
  /** Takes call ids of any form. Where it does not, they become nine letters and digits. */
  readonly anyCallId: boolean;
  /** Tells the model the tool choice. Where it does not, tools that may not be called are not shown. */
  readonly toolChoice: boolean;
}

/** A compiled template with its model's vocabulary. */
export class Renderer {
  readonly #template: Template;
  readonly #vocabulary: Vocabulary;
  readonly #encoder: PromptEncoder;

  /** Throws where the source is not a template. */
  constructor(source: string, vocabulary: Vocabulary, encoder: PromptEncoder) {
    // A method on an object is shadowed by a property of that name, and tools do have parameters called `items`.
    this.#template = new Template(source.replaceAll('.items()', '|items'));
    this.#vocabulary = vocabulary;
    this.#encoder = encoder;
  }

  /** Throws what the template raises. */
  render(
    messages: readonly ChatMessage[],
    variables: TemplateVariables,
    traits: TemplateTraits,
    forAnswer = false,
  ): string {
    const showsTools = traits.tools && variables.tools.length > 0;
    const text = this.#template.render({
      messages: adapt(messages, variables, traits).map((message) => this.#toTemplateMessage(message, traits)),
      // A look at a name that nobody declared throws and catches inside the interpreter, stack and all: a third of a short rendering.
      tools: showsTools ? this.#guard(variables.tools) : undefined,
      tool_choice: variables.toolChoice ?? undefined,
      enable_thinking: variables.thinking ? undefined : false,
      add_generation_prompt: forAnswer,
      // Llama 3 puts the tools into the first user message otherwise, where every chain has other text.
      tools_in_user_message: false,
      bos_token: this.#vocabulary.bos,
      eos_token: this.#vocabulary.eos,
    });
    const { bos, needsBos } = this.#vocabulary;
    return needsBos && !text.startsWith(bos) ? bos + text : text;
  }

  #toTemplateMessage({ reasoning_content: reasoning, ...message }: ChatMessage, traits: TemplateTraits): unknown {
    const named = reasoning === undefined ? message : { ...message, [traits.reasoningField]: reasoning };
    if (traits.rawArguments || message.tool_calls === undefined) return this.#guard(named);
    const calls = message.tool_calls.map((call) => ({
      ...call,
      function: { ...call.function, arguments: parseArguments(call.function.arguments) },
    }));
    return this.#guard({ ...named, tool_calls: calls });
  }

  /** A copy whose strings cannot be taken for the template's own. */
  #guard(value: unknown): unknown {
    if (typeof value === 'string') return this.#encoder.guard(value);
    if (Array.isArray(value)) return value.map((entry) => this.#guard(entry));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, this.#guard(entry)]));
  }
}

/** Messages as the template takes them. Everything but the joining of neighbours is done message by message. */
function adapt(
  messages: readonly ChatMessage[],
  variables: TemplateVariables,
  traits: TemplateTraits,
): readonly ChatMessage[] {
  let adapted = messages;
  if (!traits.tools) adapted = describeTools(writeToolsAsText(adapted), variables);
  else if (!traits.parallelCalls) adapted = adapted.flatMap(splitCalls);
  if (!traits.textBesideReasoning) adapted = adapted.map(joinText);
  adapted = adapted.map((message) => writeIds(message, traits.anyCallId));
  adapted = adapted.map((message, index) => {
    const isTaken = index === 0 ? traits.system : traits.laterSystem;
    return message.role !== 'system' || isTaken ? message : { ...message, role: 'user' };
  });
  return traits.neighbours ? adapted : joinNeighbours(adapted);
}

/** A message of several calls as messages of one each. */
function splitCalls(message: ChatMessage): ChatMessage[] {
  const [first, ...others] = message.tool_calls ?? [];
  if (first === undefined || others.length === 0) return [message];
  const rest = others.map((call): ChatMessage => ({ role: 'assistant', content: '', tool_calls: [call] }));
  return [{ ...message, tool_calls: [first] }, ...rest];
}

/** A message that calls, its text as the end of its reasoning. */
function joinText(message: ChatMessage): ChatMessage {
  const { content, reasoning_content: reasoning, tool_calls: calls } = message;
  if (content === '' || reasoning === undefined || calls === undefined) return message;
  return { ...message, content: '', reasoning_content: `${reasoning}\n\n${content}` };
}

/** Calls and results by the ids that the model wrote, and short ones for others where the template takes no long ones. */
function writeIds(message: ChatMessage, isAnyTaken: boolean): ChatMessage {
  const { tool_call_id: id, tool_calls: calls } = message;
  const toId = (callId: string): string => writtenIdOf(callId) ?? (isAnyTaken ? callId : toShortId(callId));
  if (id !== undefined) return { ...message, tool_call_id: toId(id) };
  return calls === undefined
    ? message
    : { ...message, tool_calls: calls.map((call) => ({ ...call, id: toId(call.id) })) };
}

function joinNeighbours(messages: readonly ChatMessage[]): ChatMessage[] {
  const joined: ChatMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last?.role === 'user' && message.role === 'user')
      joined[joined.length - 1] = { ...last, content: `${last.content}\n\n${message.content}` };
    else joined.push(message);
  }
  return joined;
}

/** Arguments for templates that write them as JSON themselves; what is not JSON stays the text that it is. */
function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
