/** A generation as a chat-completions request: what stands around the messages is written anew, the messages are not. */
import type { CreateRequest, ResponseSettings } from '@longwire/protocol';
import type { GenerateRequest } from '../engine.ts';
import { messageBytes, type ChatContext } from './context.ts';
import { toChatToolChoice } from '../chat/tool-choice.ts';
import type { ToolTable } from '../chat/tools.ts';
import type { ChatMessage } from '../chat/wire.ts';

/** What differs between upstreams in the fields around the messages. */
export interface BodyOptions {
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens';
  /** Sent with every request: what only this upstream knows. */
  readonly extraFields: Readonly<Record<string, unknown>>;
  /** Never sent: for upstreams that refuse fields which they do not know. */
  readonly omittedFields: readonly string[];
}

/**
 * The body of POST /chat/completions as buffers to be written in order. The bytes of the messages are the context's own: O(preamble)
 * of work whatever the length of the history. Throws `unsupported_value` for a `tool_choice` that cannot be kept.
 */
export function toRequestBody(request: GenerateRequest<ChatContext>, table: ToolTable, options: BodyOptions): Buffer[] {
  const fields: Record<string, unknown> = {
    model: request.model,
    stream: true,
    stream_options: { include_usage: true },
    ...toSamplingFields(request.requested, request.settings, options.maxTokensField),
    ...toToolFields(request.settings, table),
    ...options.extraFields,
  };
  for (const name of options.omittedFields) delete fields[name];

  const { instructions } = request.preamble;
  const system: ChatMessage | null = instructions ? { role: 'system', content: instructions } : null;
  const history = messageBytes(request.context);
  const first = system ? JSON.stringify(system) + (history.length > 0 ? ',' : '') : '';
  const head = `${JSON.stringify(fields).slice(0, -1)},"messages":[${first}`;
  return [Buffer.from(head), ...history, closing];
}

const closing = Buffer.from(']}');

/** Only what the client asked for: a setting that was left out stays the upstream's own. */
function toSamplingFields(
  requested: CreateRequest,
  settings: ResponseSettings,
  maxTokensField: BodyOptions['maxTokensField'],
): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const set = (name: string, value: unknown): void => {
    if (value !== undefined && value !== null) fields[name] = value;
  };
  set('temperature', requested.temperature);
  set('top_p', requested.top_p);
  set(maxTokensField, requested.max_output_tokens);
  set('reasoning_effort', requested.reasoning?.effort);
  set('verbosity', requested.text?.verbosity);
  set('prompt_cache_key', requested.prompt_cache_key);
  set('response_format', toResponseFormat(settings));
  if (settings.top_logprobs > 0 || requested.include?.includes('message.output_text.logprobs')) {
    set('logprobs', true);
    if (settings.top_logprobs > 0) set('top_logprobs', settings.top_logprobs);
  }
  return fields;
}

function toResponseFormat({ text: { format } }: ResponseSettings): unknown {
  switch (format.type) {
    case 'text':
      return undefined;
    case 'json_object':
      return { type: 'json_object' };
    case 'json_schema': {
      const { name, schema, description, strict } = format;
      return {
        type: 'json_schema',
        json_schema: {
          name,
          schema,
          ...(description !== undefined && { description }),
          ...(typeof strict === 'boolean' && { strict }),
        },
      };
    }
  }
}

/** Nothing at all without tools: servers refuse a choice among none. */
function toToolFields(settings: ResponseSettings, table: ToolTable): Record<string, unknown> {
  const { tools, choice } = toChatToolChoice(settings.tool_choice, table);
  if (tools.length === 0) return {};
  return { tools, tool_choice: choice, parallel_tool_calls: settings.parallel_tool_calls };
}
