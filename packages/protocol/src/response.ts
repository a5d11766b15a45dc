/** The Response object (dossier C.3, L.2). */
import type { CreateRequest } from './client-events.ts';
import type { OutputItem } from './items/unions.ts';
import { type Static, Type } from './schema.ts';
import type {
  Metadata,
  PromptCacheOptions,
  PromptCacheRetention,
  PromptReference,
  ReasoningSettings,
  ServiceTier,
  TextSettings,
  Truncation,
} from './settings.ts';
import type { ToolChoice } from './tools/choice.ts';
import type { EchoedTool, Tool } from './tools/unions.ts';
import type { Usage } from './usage.ts';

export const ResponseStatus = Type.Enum(['completed', 'failed', 'in_progress', 'cancelled', 'queued', 'incomplete']);
export type ResponseStatus = Static<typeof ResponseStatus>;

/** Why a response ended early. */
export const IncompleteReason = Type.Enum(['max_output_tokens', 'max_messages', 'content_filter', 'steered']);
export type IncompleteReason = Static<typeof IncompleteReason>;

/** Why a response failed. */
export const ResponseError = Type.Object({
  code: Type.Open(['server_error', 'rate_limit_exceeded', 'invalid_prompt']),
  message: Type.String(),
  param: Type.Optional(Type.Nullable(Type.String())),
  type: Type.Optional(Type.Nullable(Type.String())),
});
export type ResponseError = Static<typeof ResponseError>;

/** The fields of a response that echo its request, every default filled in. */
export interface ResponseSettings {
  background: boolean;
  frequency_penalty: number;
  instructions: string | null;
  max_output_tokens: number | null;
  max_tool_calls: number | null;
  parallel_tool_calls: boolean;
  presence_penalty: number;
  previous_response_id: string | null;
  prompt_cache_key: string | null;
  prompt_cache_retention: PromptCacheRetention | null;
  reasoning: ReasoningSettings;
  safety_identifier: string | null;
  service_tier: ServiceTier;
  store: boolean;
  temperature: number;
  text: TextSettings & { format: NonNullable<TextSettings['format']> };
  tool_choice: ToolChoice;
  tools: EchoedTool[];
  top_logprobs: number;
  top_p: number;
  truncation: Truncation;
  user: string | null;
  metadata: Metadata;
  /** Only when the request named one. */
  conversation?: { id: string };
  prompt?: PromptReference;
  prompt_cache_options?: PromptCacheOptions & { mode: 'implicit' | 'explicit'; ttl: '30m' | '12h' };
}

/** A response, as it stands in events and in HTTP bodies. */
export interface Response extends ResponseSettings {
  id: string;
  object: 'response';
  /** Unix seconds. */
  created_at: number;
  status: ResponseStatus;
  /** Unix seconds; null unless completed. */
  completed_at: number | null;
  error: ResponseError | null;
  incomplete_details: { reason?: IncompleteReason } | null;
  model: string;
  output: OutputItem[];
  /** Null until the terminal event. */
  usage: Usage | null;
}

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
  const settings: ResponseSettings = {
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
    reasoning: { effort: null, summary: null, ...request.reasoning },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: request.service_tier ?? 'auto',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: {
      ...request.text,
      format: request.text?.format ?? { type: 'text' },
      verbosity: request.text?.verbosity ?? 'medium',
    },
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools?.map(echoTool) ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? 'disabled',
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  };
  const { conversation, prompt, prompt_cache_options } = request;
  if (conversation) settings.conversation = typeof conversation === 'string' ? { id: conversation } : conversation;
  if (prompt) settings.prompt = prompt;
  if (prompt_cache_options) {
    const { prewarm: _, ...options } = prompt_cache_options;
    settings.prompt_cache_options = { ...options, mode: options.mode ?? 'implicit', ttl: options.ttl ?? '30m' };
  }
  return settings;
}

function echoTool(tool: Tool): EchoedTool {
  if (tool.type !== 'function') return tool;
  const { type, description = null, name, parameters = null, strict = null, ...rest } = tool;
  return { type, description, name, parameters, strict, ...rest };
}

/** A response without output, with the keys and their order as the real service sends them (dossier C.3). */
export function createResponse({ id, createdAt, model, settings, status = 'in_progress' }: ResponseSeed): Response {
  const { conversation, prompt, prompt_cache_options, ...echoed } = settings;
  const response: Response = {
    id,
    object: 'response',
    created_at: createdAt,
    status,
    background: echoed.background,
    completed_at: null,
    error: null,
    frequency_penalty: echoed.frequency_penalty,
    incomplete_details: null,
    instructions: echoed.instructions,
    max_output_tokens: echoed.max_output_tokens,
    max_tool_calls: echoed.max_tool_calls,
    model,
    output: [],
    parallel_tool_calls: echoed.parallel_tool_calls,
    presence_penalty: echoed.presence_penalty,
    previous_response_id: echoed.previous_response_id,
    prompt_cache_key: echoed.prompt_cache_key,
    prompt_cache_retention: echoed.prompt_cache_retention,
    reasoning: echoed.reasoning,
    safety_identifier: echoed.safety_identifier,
    service_tier: echoed.service_tier,
    store: echoed.store,
    temperature: echoed.temperature,
    text: echoed.text,
    tool_choice: echoed.tool_choice,
    tools: echoed.tools,
    top_logprobs: echoed.top_logprobs,
    top_p: echoed.top_p,
    truncation: echoed.truncation,
    usage: null,
    user: echoed.user,
    metadata: echoed.metadata,
  };
  if (conversation) response.conversation = conversation;
  if (prompt) response.prompt = prompt;
  if (prompt_cache_options) response.prompt_cache_options = prompt_cache_options;
  return response;
}
