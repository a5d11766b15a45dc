/** The Response object (dossier C.3, L.2). */
import type { CreateRequest } from './client-events.ts';
import type { OutputItem } from './items/unions.ts';
import { extend, type Static, Type } from './schema.ts';
import {
  Metadata,
  PromptCacheOptions,
  PromptCacheRetention,
  PromptReference,
  ReasoningSettings,
  ServiceTier,
  TextFormat,
  TextSettings,
  Truncation,
} from './settings.ts';
import { ToolChoice } from './tools/choice.ts';
import { type EchoedTool, EchoedTools, type Tool } from './tools/unions.ts';
import { Usage } from './usage.ts';

/** Where a response is in its life. */
export const ResponseStatus = Type.Enum(['completed', 'failed', 'in_progress', 'cancelled', 'queued', 'incomplete']);
export type ResponseStatus = Static<typeof ResponseStatus>;

/** Why a response ended early. */
export const IncompleteReason = Type.Enum(['max_output_tokens', 'max_messages', 'content_filter', 'steered']);
export type IncompleteReason = Static<typeof IncompleteReason>;

/** Why a response failed. */
export const ResponseError = Type.Object({
  code: Type.Open(['server_error', 'rate_limit_exceeded', 'invalid_prompt']),
  message: Type.String(),
  param: Type.Maybe(Type.String()),
  type: Type.Maybe(Type.String()),
});
export type ResponseError = Static<typeof ResponseError>;

/** The fields of a response that echo its request, every default filled in. */
export const ResponseSettings = Type.Object({
  background: Type.Boolean(),
  frequency_penalty: Type.Number(),
  instructions: Type.Nullable(Type.String()),
  max_output_tokens: Type.Nullable(Type.Integer()),
  max_tool_calls: Type.Nullable(Type.Integer()),
  parallel_tool_calls: Type.Boolean(),
  presence_penalty: Type.Number(),
  previous_response_id: Type.Nullable(Type.String()),
  prompt_cache_key: Type.Nullable(Type.String()),
  prompt_cache_retention: Type.Nullable(PromptCacheRetention),
  reasoning: ReasoningSettings,
  safety_identifier: Type.Nullable(Type.String()),
  service_tier: ServiceTier,
  store: Type.Boolean(),
  temperature: Type.Number(),
  text: extend(TextSettings, { format: TextFormat }),
  tool_choice: ToolChoice,
  tools: EchoedTools,
  top_logprobs: Type.Integer(),
  top_p: Type.Number(),
  truncation: Truncation,
  user: Type.Nullable(Type.String()),
  metadata: Metadata,
  conversation: Type.Nullable(Type.Object({ id: Type.String() })),
  prompt: Type.Nullable(PromptReference),
  prompt_cache_options: extend(PromptCacheOptions, {
    mode: Type.Enum(['implicit', 'explicit']),
    ttl: Type.Enum(['30m', '12h']),
  }),
});
export type ResponseSettings = Static<typeof ResponseSettings>;

/** Reasoning of the input that the model was not given (dossier Q.4). */
export const InputTransformation = Type.Object({
  /** Of the reasoning item, as the client sent it. */
  id: Type.String(),
  type: Type.Literal('reasoning'),
  action: Type.Literal('removed'),
  reason: Type.Enum([
    'organization_mismatch',
    'end_user_mismatch',
    'model_mismatch',
    'prefix_mismatch',
    'turn_boundary',
  ]),
});
export type InputTransformation = Static<typeof InputTransformation>;

/** A response, as it stands in events and in HTTP bodies. Times are Unix seconds. */
export const Response = extend(ResponseSettings, {
  id: Type.String(),
  object: Type.Literal('response'),
  created_at: Type.Number(),
  status: ResponseStatus,
  /** Null unless completed. */
  completed_at: Type.Nullable(Type.Number()),
  error: Type.Nullable(ResponseError),
  incomplete_details: Type.Nullable(Type.Object({ reason: Type.Optional(IncompleteReason) })),
  model: Type.String(),
  output: Type.Unsafe<OutputItem[]>(Type.Array(Type.Object({ type: Type.String() }))),
  /** Null until the terminal event. */
  usage: Type.Nullable(Usage),
  /** Results of a moderation, which this server does not do. */
  moderation: Type.Unsafe<null>(Type.Nullable(Type.Object({}))),
  /** Programs of the service's own, which this server is no part of. */
  access_programs: Type.Unsafe<null>(Type.Nullable(Type.Object({}))),
  /** Missing where nothing was taken out. */
  input_transformations: Type.Optional(Type.Array(InputTransformation)),
});
export type Response = Static<typeof Response>;

/** What `createResponse` needs beyond the settings. */
export interface ResponseSeed {
  readonly id: string;
  /** Unix seconds. */
  readonly createdAt: number;
  /** The model that answers, by its resolved name. */
  readonly model: string;
  readonly settings: ResponseSettings;
  readonly status?: ResponseStatus;
}

/** The settings that hold for a request, with the service's own defaults. O(tools + settings), shares the request's values. */
export function resolveSettings(request: CreateRequest): ResponseSettings {
  const { conversation } = request;
  return {
    background: request.background ?? false,
    frequency_penalty: 0,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    presence_penalty: 0,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? null,
    reasoning: request.reasoning ? { ...noReasoning, ...request.reasoning } : noReasoning,
    safety_identifier: request.safety_identifier ?? null,
    service_tier: request.service_tier ?? 'auto',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: request.text ? resolveText(request.text) : plainText,
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools?.map(echoTool) ?? noTools,
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? 'disabled',
    user: request.user ?? null,
    metadata: request.metadata ?? noMetadata,
    conversation: typeof conversation === 'string' ? { id: conversation } : (conversation ?? null),
    prompt: request.prompt ?? null,
    prompt_cache_options: request.prompt_cache_options
      ? resolveCacheOptions(request.prompt_cache_options)
      : implicitCache,
  };
}

// What most requests leave out is the same object in all of them, frozen: it is written once (docs/decisions/0020).
const noReasoning: ResponseSettings['reasoning'] = Object.freeze({ effort: null, summary: null });
const plainText: ResponseSettings['text'] = Object.freeze({
  format: Object.freeze({ type: 'text' as const }),
  verbosity: 'medium',
});
const noTools: ResponseSettings['tools'] = [];
Object.freeze(noTools);
const noMetadata: ResponseSettings['metadata'] = Object.freeze({});
const implicitCache: ResponseSettings['prompt_cache_options'] = Object.freeze({ mode: 'implicit', ttl: '30m' });

function resolveText(text: TextSettings): ResponseSettings['text'] {
  return { ...text, format: text.format ?? { type: 'text' }, verbosity: text.verbosity ?? 'medium' };
}

function resolveCacheOptions(options: PromptCacheOptions): ResponseSettings['prompt_cache_options'] {
  const { prewarm: _, ...echoed } = options;
  return { ...echoed, mode: echoed.mode ?? 'implicit', ttl: echoed.ttl ?? '30m' };
}

function echoTool(tool: Tool): EchoedTool {
  if (tool.type !== 'function') return tool;
  const { type, description = null, name, parameters = null, strict = null, ...rest } = tool;
  return { type, description, name, parameters, strict, ...rest };
}

/** A response without output: the keys of the recordings in their order (dossier C.3), then the newer ones (L.2). */
export function createResponse({ id, createdAt, model, settings, status = 'in_progress' }: ResponseSeed): Response {
  return {
    id,
    object: 'response',
    created_at: createdAt,
    status,
    background: settings.background,
    completed_at: null,
    error: null,
    frequency_penalty: settings.frequency_penalty,
    incomplete_details: null,
    instructions: settings.instructions,
    max_output_tokens: settings.max_output_tokens,
    max_tool_calls: settings.max_tool_calls,
    model,
    output: [],
    parallel_tool_calls: settings.parallel_tool_calls,
    presence_penalty: settings.presence_penalty,
    previous_response_id: settings.previous_response_id,
    prompt_cache_key: settings.prompt_cache_key,
    prompt_cache_retention: settings.prompt_cache_retention,
    reasoning: settings.reasoning,
    safety_identifier: settings.safety_identifier,
    service_tier: settings.service_tier,
    store: settings.store,
    temperature: settings.temperature,
    text: settings.text,
    tool_choice: settings.tool_choice,
    tools: settings.tools,
    top_logprobs: settings.top_logprobs,
    top_p: settings.top_p,
    truncation: settings.truncation,
    usage: null,
    user: settings.user,
    metadata: settings.metadata,
    conversation: settings.conversation,
    prompt: settings.prompt,
    prompt_cache_options: settings.prompt_cache_options,
    moderation: null,
    access_programs: null,
  };
}
