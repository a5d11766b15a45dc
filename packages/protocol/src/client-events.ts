/** What a client sends over the socket (dossier B). */
import { InputPart } from './content.ts';
import { FunctionCallOutputItem } from './items/function-call.ts';
import type { InputItem, Item } from './items/unions.ts';
import { AnyObject, type Static, Type } from './schema.ts';
import {
  ContextManagement,
  Includable,
  Metadata,
  ModerationSettings,
  PromptCacheOptions,
  PromptCacheRetention,
  PromptReference,
  ReasoningSettings,
  ServiceTier,
  TextSettings,
  Truncation,
} from './settings.ts';
import { ToolChoice } from './tools/choice.ts';
import { Tools } from './tools/unions.ts';

/** Every field of a create but `input`; the same over HTTP and over the socket (dossier B.1). */
export const CreateSettings = Type.Object({
  model: Type.Maybe(Type.String()),
  instructions: Type.Maybe(Type.String()),
  previous_response_id: Type.Maybe(Type.String()),
  conversation: Type.Maybe(Type.Union([Type.String(), Type.Object({ id: Type.String() })])),
  store: Type.Maybe(Type.Boolean()),
  /** False makes a response that can be continued from and holds no output. Socket only (dossier G). */
  generate: Type.Maybe(Type.Boolean()),
  tools: Type.Optional(Tools),
  tool_choice: Type.Optional(ToolChoice),
  parallel_tool_calls: Type.Maybe(Type.Boolean()),
  max_tool_calls: Type.Maybe(Type.Integer({ minimum: 0 })),
  max_output_tokens: Type.Maybe(Type.Integer({ minimum: 1 })),
  reasoning: Type.Maybe(ReasoningSettings),
  text: Type.Optional(TextSettings),
  include: Type.Maybe(Type.Array(Includable)),
  temperature: Type.Maybe(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Type.Maybe(Type.Number({ minimum: 0, maximum: 1 })),
  top_logprobs: Type.Maybe(Type.Integer({ minimum: 0, maximum: 20 })),
  truncation: Type.Maybe(Truncation),
  context_management: Type.Maybe(Type.Array(ContextManagement)),
  metadata: Type.Maybe(Metadata),
  prompt: Type.Maybe(PromptReference),
  prompt_cache_key: Type.Maybe(Type.String()),
  prompt_cache_options: Type.Optional(PromptCacheOptions),
  prompt_cache_retention: Type.Maybe(PromptCacheRetention),
  service_tier: Type.Maybe(ServiceTier),
  safety_identifier: Type.Maybe(Type.String({ maxLength: 128 })),
  user: Type.Maybe(Type.String()),
  moderation: Type.Maybe(ModerationSettings),
  image: Type.Optional(Type.Object({ context_compression: Type.Optional(Type.Enum(['auto', 'enabled', 'disabled'])) })),
  access_programs: Type.Optional(
    Type.Object({ cyber: Type.Optional(Type.Enum(['standard', 'daybreak_blue', 'daybreak_red'])) }),
  ),
  stream_options: Type.Maybe(Type.Object({ include_obfuscation: Type.Optional(Type.Boolean()) })),
  /** Runs on after the client has gone. HTTP only (dossier L.4). */
  background: Type.Maybe(Type.Boolean()),
  multi_agent: Type.Maybe(AnyObject),
  client_metadata: Type.Maybe(AnyObject),
});
export type CreateSettings = Static<typeof CreateSettings>;

/** A create as the server works with it: the wire body with `input` as an array of items that all have a `type`. */
export interface CreateRequest extends CreateSettings {
  input: Item[];
  /** HTTP only: answer with server-sent events. Ignored over the socket. */
  stream?: boolean | null;
}

/** A create as a client writes it. */
export interface CreateBody extends CreateSettings {
  input?: string | InputItem[];
  stream?: boolean | null;
}

/** Asks for a response: one turn of the lane that `stream_id` names. */
export interface ResponseCreateEvent extends CreateBody {
  type: 'response.create';
  stream_id?: string;
}

const SteerMessage = Type.Object({
  type: Type.Optional(Type.Literal('message')),
  role: Type.Literal('user'),
  content: Type.Union([Type.String(), Type.Array(InputPart)]),
  id: Type.Maybe(Type.String()),
  status: Type.Maybe(Type.String()),
});

/** Input of a steer: user messages, and outputs of asynchronous calls (dossier B.2). */
export const SteerInput = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Array(Type.Union([SteerMessage, FunctionCallOutputItem]), { minItems: 1 }),
]);
export type SteerInput = Static<typeof SteerInput>;

/** Adds input to a running response. Exactly these fields: the target tells the lane. */
export const ResponseSteerEvent = Type.Object({
  type: Type.Literal('response.steer'),
  previous_response_id: Type.String({ minLength: 1 }),
  input: SteerInput,
});
export type ResponseSteerEvent = Static<typeof ResponseSteerEvent>;

/** Tool outputs for a hosted agent that waits inside a running response (dossier B.3). */
export const ResponseInjectEvent = Type.Object({
  type: Type.Literal('response.inject'),
  response_id: Type.String(),
  input: Type.Array(AnyObject),
});
export type ResponseInjectEvent = Static<typeof ResponseInjectEvent>;

/** Longwire's own: stops a running response of this connection. */
export const ResponseCancelEvent = Type.Object({
  type: Type.Literal('response.cancel'),
  response_id: Type.String({ minLength: 1 }),
});
export type ResponseCancelEvent = Static<typeof ResponseCancelEvent>;

/** An acknowledgement that older Codex builds send; it asks for nothing. */
export const ResponseProcessedEvent = Type.Object({
  type: Type.Literal('response.processed'),
  response_id: Type.Optional(Type.String()),
});
export type ResponseProcessedEvent = Static<typeof ResponseProcessedEvent>;

/** Anything that a client may send. */
export type ClientEvent =
  | ResponseCreateEvent
  | ResponseSteerEvent
  | ResponseInjectEvent
  | ResponseCancelEvent
  | ResponseProcessedEvent;

/** Event types that a client may send. */
export type ClientEventType = ClientEvent['type'];
