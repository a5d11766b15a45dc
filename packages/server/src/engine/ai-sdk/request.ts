/** A generation as a provider's call. */
import { errors, toTraceHeaders } from '@longwire/protocol';
import type { GenerateRequest } from '../engine.ts';
import { toChatToolChoice } from '../chat/tool-choice.ts';
import type { ToolTable } from '../chat/tools.ts';
import { promptOf, type PromptContext } from './context.ts';
import type { CallOptions } from './wire.ts';

/**
 * What the provider is called with. Only what the client asked for: a setting that was left out stays the provider's own.
 * Throws `unsupported_parameter` for log probabilities, which the specification has no place for, and as `toChatToolChoice` does.
 */
export function toCallOptions(
  request: GenerateRequest<PromptContext>,
  table: ToolTable,
  providerOptions: Readonly<Record<string, unknown>> | null,
  abortSignal: AbortSignal,
): CallOptions {
  const { context, preamble, requested, settings } = request;
  if (settings.top_logprobs > 0) {
    throw errors.unsupportedParameter('top_logprobs', 'is not supported by this model: it tells no log probabilities.');
  }
  const { instructions } = preamble;
  const prompt = promptOf(context);
  return {
    prompt: instructions ? [{ role: 'system', content: instructions }, ...prompt] : prompt,
    ...(requested.max_output_tokens != null && { maxOutputTokens: requested.max_output_tokens }),
    ...(requested.temperature != null && { temperature: requested.temperature }),
    ...(requested.top_p != null && { topP: requested.top_p }),
    ...(requested.reasoning?.effort != null && { reasoning: requested.reasoning.effort }),
    ...toFormat(settings),
    ...toTools(settings, table),
    ...(providerOptions && { providerOptions }),
    ...(request.trace && { headers: toTraceHeaders(request.trace) }),
    abortSignal,
  };
}

function toFormat({
  text: { format },
}: GenerateRequest<PromptContext>['settings']): Pick<CallOptions, 'responseFormat'> {
  switch (format.type) {
    case 'text':
      return {};
    case 'json_object':
      return { responseFormat: { type: 'json' } };
    case 'json_schema': {
      const { name, schema, description } = format;
      return { responseFormat: { type: 'json', schema, name, ...(description != null && { description }) } };
    }
  }
}

function toTools(
  { tool_choice: toolChoice }: GenerateRequest<PromptContext>['settings'],
  table: ToolTable,
): Pick<CallOptions, 'tools' | 'toolChoice'> {
  const { tools, choice } = toChatToolChoice(toolChoice, table);
  if (tools.length === 0) return {};
  return {
    tools: tools.map(({ function: { name, description, parameters, strict } }) => ({
      type: 'function',
      name,
      ...(description !== undefined && { description }),
      inputSchema: parameters,
      ...(strict !== undefined && { strict }),
    })),
    toolChoice: typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.function.name },
  };
}
